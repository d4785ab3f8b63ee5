import { parseArgs } from 'node:util'
import { exitWith } from '../src/cli/report-error.ts'
import type { FontSet } from '../src/data/synthetic/faces.ts'
import { type Kind, kindNames } from '../src/data/synthetic/kinds.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import type { CompileOptions } from '../src/runtime/program.ts'
import { measureDecoder } from './cells/decoder.ts'
import { measureEncoder } from './cells/encoder.ts'
import { openCellModel, type Reading } from './cells/model.ts'
import { readTiling } from './read-tiling.ts'

const usage = `node bench/cells.ts --model DIR [options]: how far the halves of a model that learns by cells are, apart from each other.
The encoder: letters, and shades and forms of shapes, that it sees as they are, at their place or so near to its border that they
might as well be behind it; those that it misses, those that it makes up, and how often it tells whether a word starts with one. The
decoder: answers that it gives right when it is shown exact codes, the tokens of them that follow the right ones before, how often
it looks at the visual token that shows an answer's first letter, or any next letter, and knows the letter's place there.
  --kinds LIST    of pictures, with commas between (default print,line,lines,receipt,form,table,shapes)
  --count N       pictures a kind (default 10)
  --seed N        of the pictures (default 900001)
  --fonts SET     held-out (default) or training
  --tiling JSON   how pictures are cut, as in a recipe (default {"strategy":"dynamic","keepsSize":true})
  --only HALF     encoder or decoder (default both)
  --threads N     of the engine (default 1)
`
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    kinds: { type: 'string', default: 'print,line,lines,receipt,form,table,shapes' },
    count: { type: 'string', default: '10' },
    seed: { type: 'string', default: '900001' },
    fonts: { type: 'string', default: 'held-out' },
    tiling: { type: 'string', default: '{"strategy":"dynamic","keepsSize":true}' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
})
const kinds = values.kinds.split(',') as Kind[]
const [count, seed, threads] = [values.count, values.seed, values.threads].map(Number)
const tiling = readTiling(values.tiling)
const isUsable =
  values.model !== undefined &&
  tiling !== undefined &&
  kinds.every((kind) => kindNames.includes(kind)) &&
  ['held-out', 'training'].includes(values.fonts) &&
  [undefined, 'encoder', 'decoder'].includes(values.only) &&
  [count, seed, threads].every((value) => Number.isSafeInteger(value) && value! > 0)
if (!isUsable) {
  process.stderr.write(usage)
  process.exit(2)
}
const compile: CompileOptions = { engine: await chooseEngine(), device: 'cpu', threads: threads! }
const model = await openCellModel(values.model!).catch(exitWith)
const fonts = values.fonts as FontSet
const readings: Reading[] = kinds.map((kind) => ({
  ...{ kind, fonts, count: count!, seed: seed!, tiling: tiling! },
}))
const share = (part: number, whole: number): string =>
  whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`

if (values.only !== 'decoder') {
  process.stdout.write(
    'encoder: seen as they are | missed | made up where nothing is, to each letter that is | starts of words told\n',
  )
  await measureEncoder(model, compile, readings, ({ kind }, seen) => {
    const { letters, right, missed, madeUp, parted } = seen
    const rates = [
      `${share(right, letters)} of ${letters}`,
      ...[missed, madeUp, parted].map((part) => share(part, letters)),
    ]
    process.stdout.write(`${kind.padEnd(14)} ${rates.join(' | ')}\n`)
  })
}
if (values.only !== 'encoder') {
  process.stdout.write(
    'decoder, shown exact codes: right answers | right tokens | finds the first letter | looks at the right token | knows the place there\n',
  )
  await measureDecoder(model, compile, readings, ({ kind }, answered) => {
    const { questions, right, tokens, rightTokens, finds, rightFinds, looks, rightLooks, rightPlaces } =
      answered
    const rates = [
      `${share(right, questions)} of ${questions}`,
      `${share(rightTokens, tokens)} of ${tokens}`,
      `${share(rightFinds, finds)} of ${finds}`,
      `${share(rightLooks, looks)} of ${looks}`,
      share(rightPlaces, looks),
    ]
    process.stdout.write(`${kind.padEnd(14)} ${rates.join(' | ')}\n`)
  })
}
