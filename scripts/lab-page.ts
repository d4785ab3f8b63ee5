// `node scripts/lab-page.ts [TILINGS_DIR] [COMPRESSION_DIR]`: writes what `panoptes lab` found into docs/does-cutting-matter.md,
// between the marks of each experiment, with its figure, and draws the twins that the page shows.
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCanvas } from '@napi-rs/canvas'
import { plainPlan, wordPage } from '../src/lab/page.ts'

const [tilings = 'lab/tilings', compression = 'lab/compression'] = process.argv.slice(2)
const docs = join(import.meta.dirname, '../docs')
const page = join(docs, 'does-cutting-matter.md')

let text = await readFile(page, 'utf8')
for (const [name, folder] of Object.entries({ tilings, compression })) {
  const report = await readFile(join(folder, 'report.md'), 'utf8').catch(() => undefined)
  if (report === undefined) {
    console.log(`${folder} has no report.md: the section of ${name} stays as it is.`)
    continue
  }
  const figure = `cutting-${name}.svg`
  await copyFile(join(folder, 'figure.svg'), join(docs, figure))
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  if (!text.includes(begin) || !text.includes(end)) throw new Error(`${page} has no marks for ${name}.`)
  const shown = report.replaceAll('(figure.svg)', `(${figure})`).trim()
  text = `${text.slice(0, text.indexOf(begin) + begin.length)}\n${shown}\n${text.slice(text.indexOf(end))}`
}
await writeFile(page, text)
await writeFile(join(docs, 'cutting-pages.png'), await twins())

/** Two pairs of test pages with the borders of the dynamic grid. */
async function twins(): Promise<Uint8Array> {
  const [tileSize, scale, gap] = [224, 0.6, 12]
  const sheets = [0, 3].flatMap((index) =>
    (['crossed', 'clear'] as const).map((placement) => {
      const { page } = wordPage({ seed: 0, index, placement, tileSize })
      const { ctx, width, height } = page
      ctx.strokeStyle = '#e01b24'
      for (const { source } of plainPlan(page, tileSize).tiles.slice(0, -1))
        ctx.strokeRect(source.x0, source.y0, source.x1 - source.x0, source.y1 - source.y0)
      return { page, width: width * scale, height: height * scale }
    }),
  )
  const wide = Math.max(...sheets.map(({ width }) => width))
  const high = Math.max(...sheets.map(({ height }) => height))
  const canvas = createCanvas(2 * wide + 3 * gap, 2 * high + 3 * gap)
  const ctx = canvas.getContext('2d')
  ctx.fillStyle = '#7a7a7a'
  ctx.fillRect(0, 0, canvas.width, canvas.height)
  for (const [i, { page, width, height }] of sheets.entries())
    ctx.drawImage(
      page.canvas,
      gap + (i % 2) * (wide + gap),
      gap + Math.floor(i / 2) * (high + gap),
      width,
      height,
    )
  return canvas.encode('png')
}
