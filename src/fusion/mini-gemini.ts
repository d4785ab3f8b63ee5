import type { Dim } from '../graph/dim.ts'
import { concat, reshape, slice, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { bilinearWeights, resizeMaps } from '../nn/resize.ts'
import { patchInfoMining } from './patch-info-mining.ts'

/**
 * Mini-Gemini HD: every tile of a grid mines its own part of the high-resolution map, and a view of the whole picture
 * mines the map made small. low [B, g² + 1, n, c] (tiles row by row, then the whole), map [B, A, g·s, g·s] →
 * [B, (g² + 1)·n, c], the whole first. Source: Mini-Gemini (arXiv 2403.18814), `image_grid`, `image_global`; golden
 * case `fusion-mini-gemini`.
 */
export function miniGeminiHd(w: Weights, low: Tensor, map: Tensor, grid: number): Tensor {
  const [B, views, count, width] = low.shape as [number, number, Dim, Dim]
  const mined = patchInfoMining(w, reshape(low, [B * views, count, width]), mapsOfViews(map, grid))
  const byView = reshape(mined, [B, views, count, width])
  const wholeFirst = concat([slice(byView, 1, views - 1, views), slice(byView, 1, 0, views - 1)], 1)
  return reshape(wholeFirst, [B, -1, width])
}

/** [B, A, g·s, g·s] → [B·(g² + 1), A, s, s]: the tiles' parts row by row, then the whole map made small. */
function mapsOfViews(map: Tensor, grid: number): Tensor {
  const [B, A, size] = map.shape as [number, Dim, number]
  const side = size / grid
  const cells = transpose(reshape(map, [B, A, grid, side, grid, side]), [0, 2, 4, 1, 3, 5])
  const parts = reshape(cells, [B, grid * grid, A, side, side])
  const whole = reshape(resizeMaps(map, side, side, bilinearWeights), [B, 1, A, side, side])
  return reshape(concat([parts, whole], 1), [B * (grid * grid + 1), A, side, side])
}
