import type { Dim } from '../graph/dim.ts'
import {
  add,
  gelu,
  linearProduct,
  mul,
  pad,
  patchify,
  reshape,
  roll,
  slice,
  split,
  transpose,
} from '../graph/ops/index.ts'
import { constant, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, splitHeads } from '../nn/attention.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'
import { joinWindows, partitionWindows, relativePositionBias, shiftMask } from '../nn/windows.ts'
import { hostTensor } from '../tensor/tensor.ts'
import { type SwinConfig, swinStages } from './swin-config.ts'

const epsilon = 1e-5

/** What the tower gives. */
export interface SwinFeatures {
  /** Each stage's tokens [B, rows·columns, C], those before the last merged for the next stage. */
  readonly stages: readonly Tensor[]
  /** The last stage's tokens behind the final norm, [B, T, C]. */
  readonly tokens: Tensor
}

/** How one block attends, over rows and columns or over frames, rows and columns. */
export interface SwinBlockShape {
  readonly sizes: readonly number[]
  readonly heads: number
  readonly window: readonly number[]
  /** By how much the windows are shifted; all 0 in every other block. */
  readonly shift: readonly number[]
  /** The window that the table of biases was made for, where it is another. */
  readonly tableWindow?: readonly number[]
}

/**
 * Swin transformer: attention within windows that are shifted in every other block, maps halved between stages.
 * Pixels [B, 3, H, W] → tokens [B, H/32·W/32, 8C] for four stages. Source: Swin Transformer (arXiv 2103.14030);
 * golden cases `ram-tiny`, `florence-unicl`.
 * @throws InputError `swin-size` for pixels that are not made of whole windows.
 */
export function swin(w: Weights, pixels: Tensor, config: SwinConfig): SwinFeatures {
  const [, , height, width] = pixels.shape as [Dim, Dim, number, number]
  const stages = swinStages(config, height, width)
  let x = tap('patch_embed', embedPatches(w.at('patch_embed'), pixels, config))
  const outputs: Tensor[] = []
  for (const [s, stage] of stages.entries()) {
    const layer = w.at('layers').at(s)
    for (let b = 0; b < stage.depth; b++) {
      const shape = {
        sizes: [stage.rows, stage.columns],
        heads: stage.heads,
        window: [stage.window, stage.window],
        shift: b % 2 === 0 ? [0, 0] : [stage.shift, stage.shift],
      }
      x = tap(`layers.${s}.blocks.${b}`, swinBlock(layer.at('blocks').at(b), x, shape))
    }
    if (s < stages.length - 1) x = mergePatches(layer.at('downsample'), x, stage.rows, stage.columns)
    outputs.push(tap(`layers.${s}`, x))
  }
  return { stages: outputs, tokens: layerNorm(w.at('norm'), x, epsilon) }
}

/**
 * x += attention(norm1(x)); x += mlp(norm2(x)), both branches scaled by `gamma` where there is one. [B, T, C] →
 * [B, T, C]. A map that is not made of whole windows is padded with zeros behind norm1, and the padding takes part in
 * attention (CoSwin; golden case `florence-coswin`).
 */
export function swinBlock(w: Weights, x: Tensor, shape: SwinBlockShape): Tensor {
  const [batch, , width] = x.shape as [Dim, number, number]
  const { sizes, window, shift } = shape
  const gamma = w.find('gamma')
  const scaled = (branch: Tensor): Tensor => (gamma ? mul(branch, gamma) : branch)

  const whole = sizes.map((size, axis) => Math.ceil(size / window[axis]!) * window[axis]!)
  let map = reshape(layerNorm(w.at('norm1'), x, epsilon), [batch, ...sizes, width])
  for (const [axis, size] of sizes.entries()) map = pad(map, axis + 1, 0, whole[axis]! - size)
  for (const [axis, by] of shift.entries()) map = roll(map, axis + 1, -by)
  const windows = windowAttention(w.at('attn'), partitionWindows(map, window), { ...shape, sizes: whole })
  map = joinWindows(windows, window, batch, whole)
  for (const [axis, by] of shift.entries()) map = roll(map, axis + 1, by)
  for (const [axis, size] of sizes.entries()) map = slice(map, axis + 1, 0, size)
  const y = add(x, scaled(reshape(map, x.shape)))
  return add(y, scaled(mlp(w, y)))
}

function mlp(w: Weights, x: Tensor): Tensor {
  const inner = gelu(linear(w.at('mlp.fc1'), layerNorm(w.at('norm2'), x, epsilon)))
  return linear(w.at('mlp.fc2'), inner)
}

/** Attention among the cells of each window, with the bias of their relative positions. [B·n, cells, C] → the same. */
function windowAttention(w: Weights, x: Tensor, shape: SwinBlockShape): Tensor {
  const { sizes, heads, window, shift, tableWindow = window } = shape
  const [, cells, width] = x.shape as [Dim, number, number]
  const [q, k, v] = split(linear(w.at('qkv'), x), 2, [width, width, width]).map((part) =>
    splitHeads(part, heads),
  ) as [Tensor, Tensor, Tensor]
  const table = w.get('relative_position_bias_table')
  const bias = relativePositionBias(table, tableWindow, cells) // [heads, cells, cells]
  if (shift.every((by) => by === 0)) return linear(w.at('proj'), mergeHeads(attention(q, k, v, bias)))

  const mask = shiftMask(sizes, window, shift)
  const count = mask.shape[0]!
  const perWindow = constant(hostTensor('f32', [count, 1, cells, cells], mask.data))
  const batched = (t: Tensor): Tensor => reshape(t, [-1, count, heads, cells, width / heads])
  const output = attention(batched(q), batched(k), batched(v), add(bias, perWindow))
  return linear(w.at('proj'), mergeHeads(reshape(output, q.shape)))
}

/** Patches in row-major order, normalised. [B, 3, H, W] → [B, H/P·W/P, C]. */
function embedPatches(
  w: Weights,
  pixels: Tensor,
  { patch_size: patch, embed_dim: width }: SwinConfig,
): Tensor {
  const kernel = reshape(w.get('proj.weight'), [width, 3 * patch * patch])
  const patches = linearProduct(patchify(pixels, patch), kernel, w.get('proj.bias'))
  return layerNorm(w.at('norm'), patches, epsilon)
}

/**
 * Every 2×2 cells become one with half of their channels. Column by column within the square, as published: (0, 0),
 * (1, 0), (0, 1), (1, 1) in (row, column). [B, rows·columns, C] → [B, rows·columns/4, 2C].
 */
export function mergePatches(w: Weights, x: Tensor, rows: number, columns: number): Tensor {
  const [batch, , width] = x.shape as [Dim, number, number]
  const cells = reshape(x, [batch, rows / 2, 2, columns / 2, 2, width])
  const folded = reshape(transpose(cells, [0, 1, 3, 4, 2, 5]), [batch, (rows * columns) / 4, 4 * width])
  return linear(w.at('reduction'), layerNorm(w.at('norm'), folded, epsilon))
}
