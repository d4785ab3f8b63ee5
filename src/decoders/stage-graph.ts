import { addDims, dim } from '../graph/dim.ts'
import { mean, mul, reshape, sum } from '../graph/ops/index.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { Decoder } from './decoder.ts'

/** A run of blocks that is compiled as one program: from `first` to before `end`. */
export interface StageRange {
  readonly first: number
  readonly end: number
}

/**
 * A stage that reads the past and gives new rows. hidden [B, T, H], tables [B, T, D/2], mask [B, T, P + T] and each
 * layer's past [B, kv heads, P, D] → output [B, T, H], each layer's new rows, and `receivedAttention` where the stage
 * has the observed block.
 */
export function pastStage(
  decoder: Decoder,
  w: Weights,
  { first, end }: StageRange,
  observed: number | undefined,
): Record<string, Tensor> {
  const [B, T, P] = [dim('B'), dim('T'), dim('P')]
  const { kvHeads, headSize } = decoder
  const context = {
    cos: input('cos', 'f32', [B, T, headSize / 2]),
    sin: input('sin', 'f32', [B, T, headSize / 2]),
    mask: input('mask', 'f32', [B, T, addDims(P, T)]),
  }
  const outputs: Record<string, Tensor> = {}
  let x = input('hidden', 'f32', [B, T, decoder.hiddenSize])
  for (let layer = first; layer < end; layer++) {
    const past = {
      key: input(`past.key.${layer}`, 'f32', [B, kvHeads, P, headSize]),
      value: input(`past.value.${layer}`, 'f32', [B, kvHeads, P, headSize]),
    }
    const result = decoder.block(w, layer, x, { ...context, past })
    x = tap(`hidden_states.${layer + 1}`, result.output)
    outputs[`key.${layer}`] = result.key
    outputs[`value.${layer}`] = result.value
    if (layer === observed) outputs.receivedAttention = receivedAttention(result.attention!)
  }
  return { output: x, ...outputs }
}

/** What the cells of a cache hold: floats, or 8 bits in steps of each channel's own size (`CellFactors`). */
export type CellType = 'f32' | 'i8'

/**
 * A stage that fills cells of the cache. hidden [B, T, H], tables by cell [C, D/2], each row's last new cell i32 [B],
 * the filled cells i32 and each layer's cache [B, kv heads, C, D] → output [B, T, H] and each layer's cache.
 */
export function cellStage(
  decoder: Decoder,
  w: Weights,
  { first, end }: StageRange,
  type: CellType,
): Record<string, Tensor> {
  const [B, T, C] = [dim('B'), dim('T'), dim('C')]
  const { kvHeads, headSize } = decoder
  const shared = {
    cos: input('cos', 'f32', [C, headSize / 2]),
    sin: input('sin', 'f32', [C, headSize / 2]),
    lastCell: input('last_cell', 'i32', [B]),
    total: input('total', 'i32', []),
  }
  const outputs: Record<string, Tensor> = {}
  let x = input('hidden', 'f32', [B, T, decoder.hiddenSize])
  for (let layer = first; layer < end; layer++) {
    const pastKey = input(`past.key.${layer}`, type, [B, kvHeads, C, headSize])
    const pastValue = input(`past.value.${layer}`, type, [B, kvHeads, C, headSize])
    const factors = type === 'i8' && {
      before: input(`before.${layer}`, 'f32', [(decoder.heads + 2 * kvHeads) * headSize]),
      after: input(`after.${layer}`, 'f32', [decoder.heads * headSize]),
    }
    const result = decoder.block(w, layer, x, {
      cells: { ...shared, pastKey, pastValue, ...(factors && { factors }) },
    })
    x = result.output
    outputs[`key.${layer}`] = result.key
    outputs[`value.${layer}`] = result.value
  }
  return { output: x, ...outputs }
}

/** Attention that each cell gets from the observers, averaged over heads and summed over rows: → [B, S]. */
function receivedAttention(weights: Tensor): Tensor {
  const [B, , T] = weights.shape as [Tensor['shape'][0], number, Tensor['shape'][0]]
  const observers = input('observers', 'f32', [B, T])
  return sum(mul(mean(weights, [1]), reshape(observers, [B, T, 1])), [1])
}
