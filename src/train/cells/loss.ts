import { type Dim, mulDims } from '../../graph/dim.ts'
import {
  add,
  div,
  logSoftmax,
  matmulTransposed,
  mean,
  mul,
  neg,
  reshape,
  slice,
  sub,
  sum,
  takeLast,
} from '../../graph/ops/index.ts'
import { constant, input, type Tensor } from '../../graph/tensor.ts'
import { f32, type HostTensor, i64 } from '../../tensor/tensor.ts'
import { type CellCode, NORM } from './code.ts'
import { CONTENTS, EMPTY, PLACES } from './contents.ts'

/** Sharpness of the choice between codes: a token that holds a code exactly gives it e⁸ times the odds of nothing. */
const SHARPNESS = 8 / NORM ** 2
/** Most places are empty, which is soon learned: an empty one counts a tenth of a letter in a tile of 256 letters. */
const EMPTY_WEIGHT = 1 / 160

/**
 * How far visual tokens are from the codes of what they show: the cross entropy of each place's content, by distance to
 * all codes, and the squared error of the channels behind. features [N, P, H] → [].
 */
export function cellsLoss(features: Tensor, code: CellCode): Tensor {
  const [N, P, H] = features.shape as [Dim, number, number]
  const { placeWidth, codes, positions } = code
  const letters = PLACES * placeWidth
  const places = mulDims(mulDims(N, P), PLACES)
  const held = reshape(slice(features, 2, 0, letters), [places, placeWidth])
  // −s·‖x − c‖², without ‖x‖², which is the same for all.
  const norms = Float32Array.from({ length: CONTENTS }, (_, i) => (i === EMPTY ? 0 : SHARPNESS * NORM ** 2))
  const products = mul(matmulTransposed(held, constant(codes)), constant(f32([], [2 * SHARPNESS])))
  const logits = sub(products, constant(f32([CONTENTS], norms)))
  const targets = reshape(input('contents', 'i64', [places]), [places, 1])
  const chosen = reshape(takeLast(logSoftmax(logits), targets), [places])
  const entropy = neg(sum(mul(chosen, input('contentWeights', 'f32', [places]))))
  const off = sub(slice(features, 2, letters, H), constant(positions))
  return add(entropy, div(mean(mul(off, off)), 2))
}

/**
 * The inputs of `cellsLoss` for the contents of tiles, [places of a tile] each. A letter among n of its tile counts 1/√n: where all
 * count alike, the few large letters and shapes that fill a tile of their own are drowned by small print.
 */
export function cellsFeeds(tiles: readonly Uint16Array[]): Record<'contents' | 'contentWeights', HostTensor> {
  const contents = tiles.flatMap((tile) => [...tile])
  const weights = tiles.flatMap((tile) => {
    const letters = tile.reduce((count, content) => count + Number(content !== EMPTY), 0)
    return Array.from(tile, (content) => (content === EMPTY ? EMPTY_WEIGHT : 1 / Math.sqrt(letters)))
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return {
    contents: i64([contents.length], contents),
    contentWeights: f32(
      [contents.length],
      weights.map((weight) => weight / total),
    ),
  }
}
