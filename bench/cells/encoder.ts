import { Weights } from '../../src/graph/weights.ts'
import { normalisations } from '../../src/image/normalise.ts'
import { type CompileOptions, Program } from '../../src/runtime/program.ts'
import { tilePixelValues } from '../../src/tiling/pixel-values.ts'
import { planTiles } from '../../src/tiling/tiling.ts'
import { INK } from '../../src/train/cells/code.ts'
import { cellContents, EMPTY, ILLEGIBLE } from '../../src/train/cells/contents.ts'
import { otherPlaces } from '../../src/train/cells/other-places.ts'
import { visualTokens } from '../../src/train/internvl-training.ts'
import { layoutOf } from '../../src/train/sample-source.ts'
import { type CellModel, picturesOf, type Reading } from './model.ts'

/** What an encoder sees of the letters of some pictures. */
export interface Seen {
  readonly letters: number
  /** Of these, those that it sees as they are, at their place or where they might as well be. */
  readonly right: number
  /** Of these, those where it sees nothing. */
  readonly missed: number
  /** Empty places where it sees a letter. */
  readonly madeUp: number
  /** Letters of which it sees whether they start a word, at their own place. */
  readonly parted: number
}

/** Encodes pictures and takes in each place of a token what its code is nearest to. */
export async function measureEncoder(
  { files, config, code }: CellModel,
  compile: CompileOptions,
  readings: readonly Reading[],
  onReading: (reading: Reading, seen: Seen) => void,
): Promise<void> {
  const features = visualTokens(new Weights(files.checkpoint), config)
  const program = await Program.compile('vision', { features }, compile)
  for (const reading of readings) {
    const seen = { letters: 0, right: 0, missed: 0, madeUp: 0, parted: 0 }
    for (const picture of picturesOf(reading)) {
      const { tileSize } = config
      const plan = planTiles(picture, { ...reading.tiling, tileSize })
      const layout = layoutOf(picture)
      const { contents: truth, starts } = cellContents(layout, plan, code.side)
      const { features } = await program.run({
        pixels: tilePixelValues(picture.rgb(), plan, normalisations.imagenet),
      })
      const held = features!.data as Float32Array
      const nearest = Array.from(truth, (_, place) => {
        const distances = code.distances(held, place)
        return distances.indexOf(Math.min(...distances))
      })
      const others = otherPlaces(layout, plan, code.side, truth)
      for (const [place, content] of truth.entries()) {
        if (content === ILLEGIBLE) continue
        if (content === EMPTY) seen.madeUp += Number(nearest[place]! > ILLEGIBLE)
        else {
          const isBeside = nearest[place] === EMPTY && nearest[others[place]!] === content
          seen.letters++
          const isStart = held[code.channelsOf(place).wordStart]! > INK / 2
          seen.parted += Number(isStart === (starts[place] === 1))
          seen.right += Number(isBeside || nearest[place] === content)
          seen.missed += Number(!isBeside && nearest[place] === EMPTY)
          seen.madeUp -= Number(isBeside)
        }
      }
    }
    onReading(reading, seen)
  }
  await program.dispose()
}
