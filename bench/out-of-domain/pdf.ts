import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { MeasuredQuestion } from '../embedded/sets.ts'
import { followers } from './followers.ts'
import { type Drawn, isAnswer, occurrences, type TextLine } from './layer.ts'
import { run } from './packages.ts'
import type { PdfView } from './sources.ts'

/** A page, or a strip of it across, as poppler draws it, with the words of its text layer. */
export async function drawPdf(
  path: string,
  { page, dpi, from = 0, to = 1 }: PdfView,
  environment: Readonly<Record<string, string>>,
): Promise<Drawn> {
  const folder = await mkdtemp(join(tmpdir(), 'panoptes-pdf-'))
  try {
    const file = join(folder, 'document.pdf')
    const bytes = await readFile(path)
    await writeFile(file, path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    const which = ['-f', String(page), '-l', String(page)]
    const layer = run('pdftotext', ['-bbox-layout', ...which, file, '-'], environment)
    const [, width, height] = /<page width="([\d.]+)" height="([\d.]+)"/.exec(layer)!.map(Number)
    const scale = dpi / 72
    const blocks = blocksOf(layer, scale)
    const lines = blocks.flat()
    const [top, bottom] = [from, to].map((share) => gapNear(share * height! * scale, lines)) as [
      number,
      number,
    ]
    const crop = { r: dpi, x: 0, y: top, W: Math.round(width! * scale), H: bottom - top }
    const options = Object.entries(crop).flatMap(([name, value]) => [`-${name}`, String(value)])
    run('pdftoppm', ['-png', '-singlefile', ...options, ...which, file, join(folder, 'page')], environment)
    const seen = blocks.map((block) => block.filter(({ box }) => box[1] >= top && box[3] <= bottom))
    const text = seen.flat().map(textOf).join(' ')
    return {
      png: await readFile(join(folder, 'page.png')),
      text,
      proposals: propose(
        seen.filter((block) => block.length > 0),
        text,
      ),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The lines of each block of the layer that `pdftotext -bbox-layout` gives, ligatures taken apart. */
function blocksOf(layer: string, scale: number): TextLine[][] {
  return layer
    .split('<block ')
    .slice(1)
    .map((block) =>
      block
        .split('<line ')
        .slice(1)
        .map((line): TextLine => {
          const box = /xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"/.exec(line)!
          const words = [...line.matchAll(/<word [^>]*>([^<]*)<\/word>/g)].map(([, word]) => plainText(word!))
          return {
            words,
            box: box.slice(1).map((edge) => Number(edge) * scale) as [number, number, number, number],
          }
        }),
    )
}

function plainText(escaped: string): string {
  const text = escaped.replace(/&(lt|gt|quot|apos|#39|amp);/g, (_, name: string) => entities[name]!)
  return text.normalize('NFKC')
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#39': "'",
  amp: '&',
}

/** The row nearest to a wished one that goes through no line. */
function gapNear(wished: number, lines: readonly TextLine[]): number {
  const isFree = (y: number) => lines.every(({ box }) => y <= box[1] - 1 || y >= box[3] + 1)
  for (let away = 0; ; away++)
    for (const y of [Math.round(wished) - away, Math.round(wished) + away])
      if (isFree(y)) return Math.max(0, y)
}

function textOf({ words }: TextLine): string {
  return words.join(' ')
}

function propose(blocks: readonly (readonly TextLine[])[], text: string): MeasuredQuestion[] {
  const lines = blocks.flat()
  const heights = lines.map(({ box }) => box[3] - box[1]).toSorted((a, b) => a - b)
  const body = heights[heights.length >> 1]!
  const asked: MeasuredQuestion[] = []
  const ask = (form: string, question: string, answer: string) => {
    if (isAnswer(answer)) asked.push({ form: `pdf.${form}`, question, answer })
  }
  for (const line of lines) {
    const heading = /^(\d+(?:\.\d+)*)\.? ([A-Z][^.]*)$/.exec(textOf(line))
    if (heading && line.box[3] - line.box[1] > body * 1.08)
      ask('section', `What is the title of section ${heading[1]}?`, heading[2]!)
  }
  for (const row of rowsOf(lines)) {
    const entry = /^(?:\d+(?:\.\d+)*\.? )?([A-Z].*?)(?: ?\.){3,} ?(\d+)$/.exec(row)
    if (entry && occurrences(text, entry[1]!) === 1)
      ask('contents', `On which page is "${entry[1]}", by the table of contents?`, entry[2]!)
  }
  const bullets = blocks.flatMap((block) =>
    block.flatMap((line, at) => (line.words[0] === '•' ? [{ line, next: block[at + 1] }] : [])),
  )
  for (const [i, { line, next }] of bullets.entries())
    if (next === undefined || next.words[0] === '•')
      ask('bullet', `What does bullet point ${i + 1} on the page say?`, textOf(line).slice(2))

  const rows = lines.toSorted((a, b) => a.box[1] - b.box[1])
  for (const [where, line] of [
    ['top', rows[0]],
    ['bottom', rows.at(-1)],
  ] as const)
    if (line && /^\d{1,3}$/.test(textOf(line)) && isAlone(line, lines))
      ask('page', `Which page number is at the ${where} of the page?`, textOf(line))
  const head = rows[0]
  if (head && isAlone(head, lines) && head.words.length <= 7 && textOf(head).length > 3)
    ask('top', 'What does the first line at the top say?', textOf(head))
  for (const [at, line] of lines.entries()) {
    const opening = line.words.slice(0, 2).join(' ')
    const isWhole = /^[\w-]{3,} [\w-]+$/.test(opening) && !/-$/.test(lines[at - 1]?.words.at(-1) ?? '')
    const isShort = line.words.length >= 4 && line.words.length <= 9 && !/\.{2}|\. \./.test(textOf(line))
    if (isWhole && isShort && line !== head && occurrences(text, opening) === 1)
      ask('line', `What does the line that begins with "${opening}" say?`, textOf(line))
  }
  const paragraphs = blocks.map((block) => block.flatMap(({ words }) => words))
  return [...asked, ...followers('pdf.next', paragraphs, text)]
}

/** The texts of lines that stand beside each other, from left to right. */
function rowsOf(lines: readonly TextLine[]): string[] {
  const rows: TextLine[][] = []
  for (const line of lines.toSorted((a, b) => a.box[1] - b.box[1])) {
    const [, top, , bottom] = line.box
    const last = rows.at(-1)
    const isBeside = last?.every(({ box }) => (box[1] + box[3]) / 2 > top && (box[1] + box[3]) / 2 < bottom)
    if (isBeside) last!.push(line)
    else rows.push([line])
  }
  return rows.map((row) =>
    row
      .toSorted((a, b) => a.box[0] - b.box[0])
      .map(textOf)
      .join(' '),
  )
}

/** Whether nothing stands beside a line. */
function isAlone(line: TextLine, lines: readonly TextLine[]): boolean {
  return lines.every((other) => other === line || other.box[1] >= line.box[3] || other.box[3] <= line.box[1])
}
