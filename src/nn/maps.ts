import { type Dim, mulDims } from '../graph/dim.ts'
import { reshape, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { GraphError } from '../tensor/errors.ts'

/** [B, C, h, w] → [B, h, w, C]. */
export function channelsLast(maps: Tensor): Tensor {
  return transpose(maps, [0, 2, 3, 1])
}

/** [B, h, w, C] → [B, C, h, w]. */
export function channelsFirst(x: Tensor): Tensor {
  return transpose(x, [0, 3, 1, 2])
}

/** The cells of maps as tokens, row by row. [B, C, h, w] → [B, h·w, C]. */
export function mapTokens(maps: Tensor): Tensor {
  const [B, C, rows, columns] = maps.shape as [Dim, Dim, Dim, Dim]
  return reshape(channelsLast(maps), [B, mulDims(rows, columns), C])
}

/**
 * Tokens of a square grid as maps. [B, g², C] → [B, C, g, g].
 * @throws GraphError `grid-not-square` when the tokens do not fill a square.
 */
export function tokenMaps(tokens: Tensor): Tensor {
  const [B, count, C] = tokens.shape as [Dim, number, Dim]
  const side = squareSide(count)
  return channelsFirst(reshape(tokens, [B, side, side, C]))
}

/** The side of the square that `count` tokens fill. @throws GraphError `grid-not-square` */
export function squareSide(count: number): number {
  const side = Math.round(Math.sqrt(count))
  if (side * side !== count)
    throw new GraphError('grid-not-square', `${count} tokens do not fill a square grid.`, { count })
  return side
}
