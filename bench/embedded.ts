import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeWhole } from '../src/checkpoint/write-whole.ts'
import { interruptSignal } from '../src/cli/interrupt.ts'
import { exitWith } from '../src/cli/report-error.ts'
import { statusLine } from '../src/cli/status-line.ts'
import { duration, plural } from '../src/cli/words.ts'
import type { FontSet } from '../src/data/synthetic/faces.ts'
import { AbortError, load } from '../src/node.ts'
import type { Precision } from '../src/runtime/precision.ts'
import { askPicture, type Row } from './embedded/ask.ts'
import { failureText, reportText, someFailures } from './embedded/report.ts'
import { formScores, setOf, setScores } from './embedded/scores.ts'
import { type SetName, setNames } from './embedded/sets.ts'
import { readTiling } from './read-tiling.ts'

const usage = `node bench/embedded.ts --model DIR [options]: how well a small model reads, finds fields, reads charts and sees scenes,
on pictures from seeds and in letters that training never shows, and on Debian's documentation (made before by
bench/out-of-domain/make.ts). Prints a line a set with its goal, then a line a form of question, the worst first.
  --count N         pictures a set (default 120); out-of-domain is always asked in full
  --seed N          of the pictures (default 900001)
  --fonts SET       held-out (default) or training
  --only SETS       of ${setNames.join(',')}, with commas between (default all)
  --threads N       of the engine (default all cores)
  --precision P     fp32 (default), int8 or int4
  --as SYSTEM       opens the checkpoint as this system
  --tiling JSON     how pictures are cut, as in a recipe (default the model's own way)
  --show N          prints N wrong answers a set; their pictures are written to --pictures
  --pictures DIR    (default .cache/embedded)
  --json FILE       all questions and answers, and the scores, also where the run is stopped with Ctrl-C
`
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    count: { type: 'string', default: '120' },
    seed: { type: 'string', default: '900001' },
    fonts: { type: 'string', default: 'held-out' },
    only: { type: 'string', default: setNames.join(',') },
    threads: { type: 'string' },
    precision: { type: 'string', default: 'fp32' },
    as: { type: 'string' },
    tiling: { type: 'string' },
    show: { type: 'string', default: '0' },
    pictures: { type: 'string', default: resolve(import.meta.dirname, '../.cache/embedded') },
    json: { type: 'string' },
  },
})
const only = values.only.split(',')
const [count, seed, show, threads] = [values.count, values.seed, values.show, values.threads ?? '1'].map(
  Number,
)
const tiling = values.tiling === undefined ? undefined : (readTiling(values.tiling) ?? refuse())
const isUsable =
  values.model !== undefined &&
  only.every((name) => setNames.includes(name as SetName)) &&
  ['held-out', 'training'].includes(values.fonts) &&
  [count, seed, show, threads].every((value) => Number.isSafeInteger(value) && value! >= 0)
if (!isUsable) refuse()

const status = statusLine()
const { signal, release } = interruptSignal()
const drawing = { count: count!, seed: seed!, fonts: values.fonts as FontSet }
status.show('load', `loading ${values.model}`)
const model = await load(values.model!, {
  ...(values.threads !== undefined && { threads: threads! }),
  precision: values.precision as Precision,
  as: values.as,
}).catch((error: unknown) => {
  status.clear()
  exitWith(error)
})
const rows: Row[] = []
/** The pictures of wrong answers, as many as may be shown. */
const files = new Map<string, Uint8Array>()
try {
  for (const name of only as SetName[]) await measure(name)
} catch (error) {
  if (!(error instanceof AbortError)) throw error
} finally {
  status.clear()
  await report()
  release()
}
await model.dispose()

function refuse(): never {
  process.stderr.write(usage)
  process.exit(2)
}

async function measure(name: SetName): Promise<void> {
  const set = setOf(name)
  const size = await set.size(drawing)
  if (size === 0)
    return status.note(`${name} has no pictures. Make them first: node bench/out-of-domain/make.ts`)
  const began = performance.now()
  let [done, asked, right] = [0, 0, 0]
  for await (const picture of set.pictures(drawing)) {
    const own = await askPicture(model, name, set, picture, { tiling, signal })
    rows.push(...own)
    if (show! > 0 && own.some(({ isRight }) => !isRight)) files.set(`${name}/${picture.name}`, picture.file)
    done++
    asked += own.length
    right += own.filter(({ isRight }) => isRight).length
    const left = ((performance.now() - began) / 1000 / done) * (size - done)
    const soFar = `${plural(asked, 'question')}, ${((100 * right) / asked).toFixed(0)} % right`
    status.show(
      name,
      `${name}: ${done} of ${plural(size, 'picture')}, ${soFar}, ${duration(left)} left`,
      name,
    )
    if (signal.aborted) throw new AbortError('aborted', 'Stopped.')
  }
}

/** Prints and writes what there is, also of a run that was stopped. */
async function report(): Promise<void> {
  if (signal.aborted) status.note('stopped; these are the scores of what was asked')
  process.stdout.write(reportText(rows))
  const failures = someFailures(rows, show!)
  const pathOf = ({ set, picture }: Row) => join(values.pictures, `${set}-${picture.replaceAll('/', '-')}`)
  for (const row of failures) {
    await mkdir(values.pictures, { recursive: true })
    await writeFile(pathOf(row), files.get(`${row.set}/${row.picture}`)!)
  }
  if (failures.length > 0) process.stdout.write(`\n${failureText(failures, pathOf)}`)
  if (values.json === undefined) return
  const measured = { model: values.model, ...drawing, precision: values.precision, tiling }
  const summary = { ...measured, sets: setScores(rows), forms: formScores(rows), rows }
  await writeWhole(values.json, [Buffer.from(`${JSON.stringify(summary, undefined, 1)}\n`)])
}
