import { type Dim, dim, mulDims } from '../../graph/dim.ts'
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
  transpose,
} from '../../graph/ops/index.ts'
import { constant, input, type Tensor } from '../../graph/tensor.ts'
import { f32, type HostTensor, i64 } from '../../tensor/tensor.ts'
import { type CellCode, INK, NORM } from './code.ts'
import { CONTENTS, EMPTY } from './contents.ts'
import type { TileContents } from './other-places.ts'
import { NOWHERE, PLACES } from './places.ts'

/** Sharpness of the choice between codes: a token that holds a code exactly gives it e¹² times the odds of nothing. */
const SHARPNESS = 8 / NORM ** 2
/** An empty place counts a third of a letter: where they count much less, as many letters are made up as are seen. */
const EMPTY_SHARE = 1 / 3
/** Fewer letters in a tile are not counted for more than as many, so that its empty places do not drown all else. */
const FEW_LETTERS = 16
/** How much the squared error of where words start counts; most places are empty, and right without being learned. */
const PARTING = 3
/** How much the squared distance to the right code counts: decoders read what is near to codes, not only nearest. */
const PULL = 0.1

/**
 * How far visual tokens are from the codes of what they show: the cross entropy of each place's content, by distance to
 * all codes, a pull to the right one, whether a word starts there, and the squared error of the channels behind.
 * features [N, P, H] → [].
 */
export function cellsLoss(features: Tensor, code: CellCode): Tensor {
  const [N, P] = features.shape as [Dim, number, number]
  const { placeWidth, startsStart, inkStart, codes, positions } = code
  const letters = PLACES * placeWidth
  const places = mulDims(mulDims(N, P), PLACES)
  const channels = (start: number, end: number) => slice(features, 2, start, end)
  const held = reshape(channels(0, letters), [places, placeWidth])
  const ink = reshape(channels(inkStart, inkStart + PLACES), [places, 1])
  const ifAny = (value: number) =>
    constant(
      f32(
        [1, CONTENTS],
        Float32Array.from({ length: CONTENTS }, (_, i) => (i === EMPTY ? 0 : value)),
      ),
    )
  // −s·‖x − c‖², without ‖x‖², which is the same for all.
  const norms = ifAny(SHARPNESS * (NORM ** 2 + INK ** 2))
  const products = mul(add(matmulTransposed(held, constant(codes)), mul(ink, ifAny(INK))), 2 * SHARPNESS)
  const logits = sub(products, norms)
  const targets = reshape(input('contents', 'i64', [places]), [places, 1])
  const weights = input('contentWeights', 'f32', [places])
  const rightOf = (values: Tensor) => reshape(takeLast(values, targets), [places])
  const chances = logSoftmax(logits)
  const entropy = neg(add(sum(mul(rightOf(chances), weights)), eitherChance(chances)))
  const lengths = add(sum(mul(held, held), [1]), reshape(mul(ink, ink), [places]))
  const distances = sub(lengths, div(rightOf(logits), SHARPNESS))
  const pull = mul(sum(mul(distances, weights)), PULL)
  const wordStart = reshape(channels(startsStart, inkStart), [places])
  const misjudged = sub(wordStart, mul(input('wordStarts', 'f32', [places]), INK))
  const parting = mul(
    sum(mul(mul(misjudged, misjudged), input('wordStartWeights', 'f32', [places]))),
    PARTING,
  )
  const off = sub(channels(letters, startsStart), constant(positions))
  return add(add(add(entropy, pull), parting), div(mean(mul(off, off)), 2))
}

/**
 * The log chance that each letter which may stand in one of two places stands in the first and nothing in the second, or the other
 * way round, weighted and summed. chances [places, CONTENTS] → [].
 */
function eitherChance(chances: Tensor): Tensor {
  const [places] = chances.shape as [Dim]
  const pairs = dim('pairs')
  const at = reshape(input('eitherAt', 'i64', [2, 2, pairs]), [1, mulDims(4, pairs)])
  const four = reshape(takeLast(reshape(chances, [1, mulDims(places, CONTENTS)]), at), [2, 2, pairs])
  const two = transpose(sum(four, [1]), [1, 0])
  // The log of a sum of exponentials is one of them less its log share.
  const either = slice(sub(two, logSoftmax(two)), 1, 0, 1)
  return sum(mul(reshape(either, [pairs]), input('eitherWeights', 'f32', [pairs])))
}

/**
 * The inputs of `cellsLoss` for what tiles show. A letter among n of its tile counts 1/√n: where all count alike, the few large
 * letters and shapes that fill a tile of their own are drowned by small print.
 */
export function cellsFeeds(
  tiles: readonly TileContents[],
): Record<
  'contents' | 'contentWeights' | 'wordStarts' | 'wordStartWeights' | 'eitherAt' | 'eitherWeights',
  HostTensor
> {
  const contents = tiles.flatMap((tile) => [...tile.contents])
  const weights = tiles.flatMap(({ contents: tile }) => {
    const letters = tile.reduce((count, content) => count + Number(content !== EMPTY), 0)
    const empty = EMPTY_SHARE / Math.sqrt(Math.max(letters, FEW_LETTERS))
    return Array.from(tile, (content) => (content === EMPTY ? empty : 1 / Math.sqrt(letters)))
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const starts = tiles.flatMap((tile) => [...tile.starts])
  const shares = weights.map((weight) => weight / total)
  const perTile = contents.length / tiles.length
  const pairs = tiles.flatMap(({ others }, tile) =>
    [...others].flatMap((other, place) =>
      other === NOWHERE ? [] : [[tile * perTile + place, tile * perTile + other] as const],
    ),
  )
  const eitherWeights = pairs.map(([place]) => shares[place]!)
  // In whichever place a letter is seen, there its word starts.
  for (const [place, other] of pairs) starts[other] = starts[place]!
  const corners = pairs.map(([place, other]) => {
    const letter = contents[place]!
    const at = (place: number, content: number) => place * CONTENTS + content
    return [at(place, letter), at(other, EMPTY), at(place, EMPTY), at(other, letter)] as const
  })
  const wordStartWeights = [...shares]
  for (const place of pairs.flat()) shares[place] = 0
  // A batch without pairs has one that counts nothing.
  if (pairs.length === 0) {
    corners.push([0, 1, 2, 3])
    eitherWeights.push(0)
  }
  return {
    contents: i64([contents.length], contents),
    contentWeights: f32([contents.length], shares),
    wordStarts: f32([contents.length], starts),
    wordStartWeights: f32([contents.length], wordStartWeights),
    eitherAt: i64(
      [2, 2, corners.length],
      [0, 1, 2, 3].flatMap((corner) => corners.map((at) => at[corner]!)),
    ),
    eitherWeights: f32([eitherWeights.length], eitherWeights),
  }
}
