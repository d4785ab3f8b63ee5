import { Weights } from '../../src/graph/weights.ts'
import { normalisations } from '../../src/image/normalise.ts'
import { type CompileOptions, Program } from '../../src/runtime/program.ts'
import { tilePixelValues } from '../../src/tiling/pixel-values.ts'
import { planTiles } from '../../src/tiling/tiling.ts'
import type { CellCode } from '../../src/train/cells/code.ts'
import { CONTENTS, cellContents, EMPTY, ILLEGIBLE, PLACES } from '../../src/train/cells/contents.ts'
import { visualTokens } from '../../src/train/internvl-training.ts'
import { layoutOf } from '../../src/train/sample-source.ts'
import { type CellModel, picturesOf, type Reading } from './model.ts'

/** What an encoder sees of the letters of some pictures. */
export interface Seen {
  readonly letters: number
  /** Of these, those that it sees as they are, at their exact place. */
  readonly right: number
  /** Of these, those where it sees nothing. */
  readonly missed: number
  readonly empty: number
  /** Of the empty places, those where it sees a letter. */
  readonly madeUp: number
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
    const seen = { letters: 0, right: 0, missed: 0, empty: 0, madeUp: 0 }
    for (const picture of picturesOf(reading)) {
      const { tileSize } = config
      const plan = planTiles(picture, { strategy: 'dynamic', maxTiles: reading.maxTiles, tileSize })
      const truth = cellContents(layoutOf(picture), plan, code.side)
      const { features } = await program.run({
        pixels: tilePixelValues(picture.rgb(), plan, normalisations.imagenet),
      })
      const held = features!.data as Float32Array
      for (const [i, content] of truth.entries()) {
        if (content === ILLEGIBLE) continue
        const start = Math.floor(i / PLACES) * code.width + (i % PLACES) * code.placeWidth
        const nearest = nearestContent(held.subarray(start, start + code.placeWidth), code)
        if (content === EMPTY) {
          seen.empty++
          seen.madeUp += Number(nearest > ILLEGIBLE)
        } else {
          seen.letters++
          seen.right += Number(nearest === content)
          seen.missed += Number(nearest === EMPTY)
        }
      }
    }
    onReading(reading, seen)
  }
  await program.dispose()
}

function nearestContent(held: Float32Array, { codes, placeWidth }: CellCode): number {
  let [nearest, least] = [EMPTY, Number.POSITIVE_INFINITY]
  for (let content = 0; content < CONTENTS; content++) {
    const row = codes.data.subarray(content * placeWidth, (content + 1) * placeWidth)
    const distance = row.reduce((sum, value, i) => sum + (value - held[i]!) ** 2, 0)
    if (distance < least) [nearest, least] = [content, distance]
  }
  return nearest
}
