import { sameDim } from '../dim.ts'
import { microsoft } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'

/** What `cachedAttention` works on. */
export interface CachedAttentionInputs {
  /** Of the new tokens, before rotary: queries [B, T, heads·D], keys and values [B, T, kv heads·D]. */
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  /** The cache, [B, kv heads, C, D]: f32, or i8 where scales are given. */
  readonly pastKey: Tensor
  readonly pastValue: Tensor
  /** Per row the cell of its last new token, i32 [B]. */
  readonly lastCell: Tensor
  /** Cells filled once the new tokens are in, i32 scalar. */
  readonly total: Tensor
  /** Rotary tables by cell, [≥ total, D/2]. */
  readonly cos: Tensor
  readonly sin: Tensor
  /** Of an i8 cache: what one step of each channel stands for, [kv heads · D]. */
  readonly keyScale?: Tensor | undefined
  readonly valueScale?: Tensor | undefined
}

interface CachedAttentionAttributes {
  readonly heads: number
  readonly kvHeads: number
}

const cachedAttentionOp = defineOp<CachedAttentionAttributes>('cachedAttention', {
  shape: ([q, k, v, pastKey, pastValue], { heads, kvHeads }) => {
    const size = pastKey!.shape[3]
    if (typeof size !== 'number' || size % 16 !== 0)
      throw new Misfit('rotary tables of the engine need heads of a multiple of 16 channels')
    const fits =
      q!.shape[2] === heads * size &&
      [k, v].every((x) => x!.shape[2] === kvHeads * size && sameDim(x!.shape[1]!, q!.shape[1]!)) &&
      [pastKey, pastValue].every((x) => x!.shape[1] === kvHeads && x!.shape[3] === size)
    if (!fits) throw new Misfit(`${heads} query and ${kvHeads} key heads of ${size} channels are meant`)
    return q!.shape
  },
  onnx: (g, [q, k, v, key, value, last, total, cos, sin, keyScale, valueScale], { attributes }) => {
    const operands = [q!, k!, v!, key!, value!, last!, total!, cos!, sin!]
    const quantised = { k_quant_type: 'PER_CHANNEL', v_quant_type: 'PER_CHANNEL', kv_cache_bit_width: 8 }
    return g.nodeOutputs(
      'GroupQueryAttention',
      keyScale ? [...operands, '', '', '', keyScale, valueScale!] : operands,
      {
        num_heads: attributes.heads,
        kv_num_heads: attributes.kvHeads,
        do_rotary: 1,
        ...(keyScale && quantised),
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
  const scales = x.keyScale && x.valueScale ? [x.keyScale, x.valueScale] : []
  const output = cachedAttentionOp(
    [x.q, x.k, x.v, x.pastKey, x.pastValue, x.lastCell, x.total, x.cos, x.sin, ...scales],
    { heads, kvHeads },
  )
  return {
    output,
    key: presentOp([output, x.pastKey], { result: 1 }),
    value: presentOp([output, x.pastValue], { result: 2 }),
  }
}
