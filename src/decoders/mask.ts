import { joinFloats } from '../tensor/join-floats.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

/** What hides a score: the lowest finite float32, as the official implementations add it. */
const lowest = -3.4028234663852886e38

/**
 * The causal mask of `tokens` new tokens over a cache, [B, T, capacity + T], added to attention scores. Cache cells
 * from `length` on are empty. `padding[b]` cells at the left of row b are padding. A padded query sees what the
 * official sum of two masks leaves it, so that even meaningless rows agree.
 */
export function causalMask(
  tokens: number,
  length: number,
  capacity: number,
  padding: readonly number[],
): HostTensor<'f32'> {
  const total = capacity + tokens
  const data = new Float32Array(padding.length * tokens * total)
  padding.forEach((padded, row) => {
    for (let t = 0; t < tokens; t++) {
      const at = (row * tokens + t) * total
      data.fill(-Infinity, at + length, at + capacity)
      for (let cell = 0; cell < Math.min(padded, length); cell++) data[at + cell] = lowest
      for (let s = 0; s < tokens; s++) {
        const hidden = (s > t ? lowest : 0) + (length + s < padded ? lowest : 0)
        if (hidden !== 0) data[at + capacity + s] = Math.fround(hidden)
      }
    }
  })
  return hostTensor('f32', [padding.length, tokens, total], data)
}

/** The mask of whole sequences, [B, T, T]: causal, and nothing sees padding, wherever it lies. */
export function trainingMask(valid: readonly (readonly boolean[])[]): HostTensor<'f32'> {
  const tokens = valid[0]!.length
  const data = new Float32Array(valid.length * tokens * tokens)
  valid.forEach((row, b) => {
    for (let t = 0; t < tokens; t++)
      for (let s = 0; s < tokens; s++)
        data[(b * tokens + t) * tokens + s] = Math.fround((s > t ? lowest : 0) + (row[s] ? 0 : lowest))
  })
  return hostTensor('f32', [valid.length, tokens, tokens], data)
}

/** The part of a mask [B, T, T] that the tokens from `first` on see by: [B, T − first, T]. */
export function maskFrom(mask: HostTensor<'f32'>, first: number): HostTensor<'f32'> {
  const [batch, tokens] = mask.shape as [number, number, number]
  const rows = Array.from({ length: batch }, (_, b) =>
    mask.data.subarray((b * tokens + first) * tokens, (b + 1) * tokens * tokens),
  )
  return hostTensor('f32', [batch, tokens - first, tokens], joinFloats(rows))
}
