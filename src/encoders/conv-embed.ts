import type { Dim } from '../graph/dim.ts'
import { conv, reshape, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { layerNorm } from '../nn/norm.ts'

/** Tokens of a map, row by row. */
export interface TokenMap {
  /** [B, rows·columns, C] */
  readonly tokens: Tensor
  readonly rows: number
  readonly columns: number
}

/** How a convolutional embedding moves over its map. */
export interface ConvEmbedStep {
  readonly stride: number
  readonly padding: number
}

/**
 * CvT's convolutional token embedding: overlapping patches, normalised over channels at each place. A map
 * [B, C, H, W] of any size → ⌊(H + 2p − k)/s⌋ + 1 rows of tokens. Source: CvT (arXiv 2103.15808), section 3.1; golden
 * case `florence-cvt-conv-embed`.
 */
export function convEmbed(w: Weights, map: Tensor, { stride, padding }: ConvEmbedStep): TokenMap {
  const sides = { stride: [stride, stride], padding: [padding, padding], groups: 1 }
  const embedded = conv(map, w.get('proj.weight'), w.get('proj.bias'), sides)
  const [batch, width, rows, columns] = embedded.shape as [Dim, number, number, number]
  const tokens = reshape(transpose(embedded, [0, 2, 3, 1]), [batch, rows * columns, width])
  return { tokens: layerNorm(w.at('norm'), tokens, 1e-5), rows, columns }
}

/** The tokens as the map that convolutions take, [B, C, rows, columns]. */
export function mapOfTokens({ tokens, rows, columns }: TokenMap): Tensor {
  const [batch, , width] = tokens.shape as [Dim, number, number]
  return transpose(reshape(tokens, [batch, rows, columns, width]), [0, 3, 1, 2])
}
