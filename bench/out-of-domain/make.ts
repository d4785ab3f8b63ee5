import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { writeWhole } from '../../src/checkpoint/write-whole.ts'
import { statusLine } from '../../src/cli/status-line.ts'
import { plural } from '../../src/cli/words.ts'
import { blindScore } from '../../src/data/synthetic/blind.ts'
import { type OutOfDomainRecord, outOfDomainFolder } from '../embedded/sets.ts'
import { openBrowser } from './browser.ts'
import { chooseQuestions } from './choose-questions.ts'
import { fontEnvironment } from './fonts.ts'
import type { Drawn } from './layer.ts'
import { ensurePrograms, unpacked } from './packages.ts'
import { drawPdf } from './pdf.ts'
import { fontPackages, pictureName, type Source, sources, versions } from './sources.ts'
import { drawTerminal } from './terminal.ts'
import { drawWeb } from './web.ts'

/**
 * `node bench/out-of-domain/make.ts`: makes pictures that nobody here drew, of Debian's documentation: pages of PDF documents,
 * manual pages in a terminal, web pages in a browser. Packages are downloaded and unpacked, not installed. The pictures
 * and `data.jsonl` go to .cache/out-of-domain, the questions come from questions.json beside this file; each is asked
 * only where the picture's own text layer, as it is drawn now, gives the same answer again. What is drawn already is
 * kept, so a run that was stopped goes on. `--compose` writes questions.json anew from the text layers.
 */
const { values } = parseArgs({ options: { compose: { type: 'boolean', default: false } } })
const questionFile = join(import.meta.dirname, 'questions.json')

ensurePrograms()
const status = statusLine()
const folders = new Map<string, string>()
let browser: Browser | undefined
const drawn: { readonly image: string; readonly layer: Omit<Drawn, 'png'> }[] = []
await mkdir(join(outOfDomainFolder, 'images'), { recursive: true })
const environment = await fontEnvironment(await Promise.all(fontPackages.map(folderOf)))
try {
  for (const [i, source] of sources.entries()) {
    const image = `images/${pictureName(source)}`
    status.show(
      'drawing',
      `picture ${i + 1} of ${sources.length}: ${image}`,
      `drawing ${plural(sources.length, 'picture')}`,
    )
    const path = join(await folderOf(source.package as keyof typeof versions), source.file)
    if (existsSync(path)) drawn.push({ image, layer: await layerOf(source, path, image) })
    else status.note(`${source.package} has no ${source.file}; ${image} is left out`)
  }
} finally {
  await browser?.close()
}
if (values.compose) await writeFile(questionFile, `${JSON.stringify(chooseQuestions(drawn), undefined, 1)}\n`)
const asked = JSON.parse(await readFile(questionFile, 'utf8')) as readonly OutOfDomainRecord[]
const records = asked.map(({ image, questions }): OutOfDomainRecord => {
  const layer = drawn.find((picture) => picture.image === image)?.layer
  const holds = questions.filter(({ question, answer }) =>
    layer?.proposals.some((proposal) => proposal.question === question && proposal.answer === answer),
  )
  for (const { question } of questions.filter((each) => !holds.includes(each)))
    status.note(`${image} gives no longer the answer to: ${question}`)
  return { image, questions: holds }
})
const lines = records
  .filter(({ questions }) => questions.length > 0)
  .map((record) => `${JSON.stringify(record)}\n`)
await writeWhole(join(outOfDomainFolder, 'data.jsonl'), [Buffer.from(lines.join(''))])
status.clear()
const answers = records.flatMap(({ questions }) => questions)
process.stdout.write(
  `${plural(lines.length, 'picture')} with ${plural(answers.length, 'question')} in ${outOfDomainFolder}; ` +
    `who sees no picture gets ${(100 * blindScore(answers)).toFixed(1)} % right\n`,
)

/** The picture's layer; drawn now where it was not before. */
async function layerOf(source: Source, path: string, image: string): Promise<Omit<Drawn, 'png'>> {
  const layerFile = join(outOfDomainFolder, `${image}.json`)
  const known = await readFile(layerFile, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as Omit<Drawn, 'png'>
  const { png, ...layer } = await draw(source, path)
  await writeWhole(join(outOfDomainFolder, image), [png])
  await writeWhole(layerFile, [Buffer.from(JSON.stringify(layer))])
  return layer
}

async function draw(source: Source, path: string): Promise<Drawn> {
  if (source.sort === 'pdf') return drawPdf(path, source.view, environment)
  browser ??= await openBrowser(environment)
  return source.sort === 'man'
    ? drawTerminal(browser, path, source.view)
    : drawWeb(browser, path, source.view)
}

async function folderOf(name: keyof typeof versions): Promise<string> {
  const folder =
    folders.get(name) ?? (await unpacked(name, versions[name], (message) => status.note(message)))
  folders.set(name, folder)
  return folder
}
