import { hostTensor } from '../../tensor/tensor.ts'
import { type Dim, sameDim } from '../dim.ts'
import { microsoft } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { mul } from './arithmetic.ts'
import { concat } from './shape.ts'

/** What `cachedAttention` works on. */
export interface CachedAttentionInputs {
  /** Of the new tokens, before rotary: queries [B, T, heads·D], keys and values [B, T, kv heads·D]. */
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  /** The three side by side, [B, T, (heads + 2·kv heads)·D], where that is how they come. */
  readonly packed?: Tensor | undefined
  /** The cache, [B, kv heads, C, D]: f32, or i8 where factors are given. */
  readonly pastKey: Tensor
  readonly pastValue: Tensor
  /** Per row the cell of its last new token, i32 [B]. */
  readonly lastCell: Tensor
  /** Cells filled once the new tokens are in, i32 scalar. */
  readonly total: Tensor
  /** Rotary tables by cell, [≥ total, D/2]. */
  readonly cos: Tensor
  readonly sin: Tensor
  /** Of an i8 cache. */
  readonly factors?: CellFactors | undefined
}

/**
 * How a cache of 8-bit cells is read and written in steps of each channel's own size: new keys and values are divided by
 * what a step stands for, queries are multiplied by what it stands for in the keys, and what comes out by what it
 * stands for in the values. The two channels of a rotary pair have steps of one size, so that it does not matter that
 * the kernel rotates in between.
 */
export interface CellFactors {
  /** Of queries, keys and values, [(heads + 2·kv heads)·D]. */
  readonly before: Tensor
  /** Of the output, [heads·D]. */
  readonly after: Tensor
}

interface CachedAttentionAttributes {
  readonly heads: number
  readonly kvHeads: number
  /** Whether the first operand is queries, keys and values side by side. */
  readonly isPacked: boolean
}

const cachedAttentionOp = defineOp<CachedAttentionAttributes>('cachedAttention', {
  shape: ([pastKey, pastValue, , , , , ...projected], { heads, kvHeads, isPacked }) => {
    const size = pastKey!.shape[3]
    if (typeof size !== 'number' || size % 16 !== 0)
      throw new Misfit('rotary tables of the engine need heads of a multiple of 16 channels')
    const widths = isPacked ? [heads + 2 * kvHeads] : [heads, kvHeads, kvHeads]
    const [batch, tokens] = projected[0]!.shape as [Dim, Dim]
    const fits =
      projected.every((x, i) => x!.shape[2] === widths[i]! * size && sameDim(x!.shape[1]!, tokens)) &&
      [pastKey, pastValue].every((x) => x!.shape[1] === kvHeads && x!.shape[3] === size)
    if (!fits) throw new Misfit(`${heads} query and ${kvHeads} key heads of ${size} channels are meant`)
    return [batch, tokens, heads * size]
  },
  dtype: () => 'f32',
  onnx: (g, [key, value, last, total, cos, sin, q, k = '', v = ''], { attributes, inputs }) => {
    const operands = [q!, k, v, key!, value!, last!, total!, cos!, sin!]
    const isNarrow = inputs[0]!.dtype === 'i8'
    // One step for all channels, here of size 1: with one a channel the kernel takes a fifth longer at 4,096.
    const quantised = { k_quant_type: 'PER_TENSOR', v_quant_type: 'PER_TENSOR', kv_cache_bit_width: 8 }
    const one = (): string => g.constant(hostTensor('f32', [1], Float32Array.of(1)))
    return g.nodeOutputs(
      'GroupQueryAttention',
      isNarrow ? [...operands, '', '', '', one(), one()] : operands,
      {
        num_heads: attributes.heads,
        kv_num_heads: attributes.kvHeads,
        do_rotary: 1,
        ...(isNarrow && quantised),
      },
      3,
      microsoft,
    )[0]!
  },
})

/** The cache after a `cachedAttention`: the second and third results of its ONNX node. */
const presentOp = defineOp<{ result: 1 | 2 }>('present', {
  shape: ([, past]) => past!.shape,
  dtype: ([, past]) => past!.dtype,
  onnx: (_, [attended], { attributes: { result } }) => `${attended}_${result}`,
})

/**
 * Causal grouped-query attention of new tokens over a cache and themselves, rotary positions included, as one kernel
 * that also puts the new keys and values into their cells. Where the engine's memory holds the cache and `key` and
 * `value` are written into the same tensors, nothing else of it is copied. → output [B, T, heads·D].
 */
export function cachedAttention(
  x: CachedAttentionInputs,
  heads: number,
  kvHeads: number,
): { output: Tensor; key: Tensor; value: Tensor } {
  const { factors } = x
  // Side by side they are scaled at once. Over floats the engine takes the packed width for that of the output.
  const whole = factors && mul(x.packed ?? concat([x.q, x.k, x.v], 2), factors.before)
  const attended = cachedAttentionOp(
    [x.pastKey, x.pastValue, x.lastCell, x.total, x.cos, x.sin, ...(whole ? [whole] : [x.q, x.k, x.v])],
    { heads, kvHeads, isPacked: whole !== undefined },
  )
  return {
    output: factors ? mul(attended, factors.after) : attended,
    key: presentOp([attended, x.pastKey], { result: 1 }),
    value: presentOp([attended, x.pastValue], { result: 2 }),
  }
}
