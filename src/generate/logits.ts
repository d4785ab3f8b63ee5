import { EngineError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/** A view of one row of logits. [B, V] → [V]. */
export function rowOf(logits: HostTensor<'f32'>, row: number): Float32Array {
  const V = logits.shape[1]!
  return logits.data.subarray(row * V, (row + 1) * V)
}

/** How many values are NaN or infinite. */
export function countNonFinite(values: Float32Array): number {
  let count = 0
  for (const value of values) if (!Number.isFinite(value)) count++
  return count
}

/** @throws EngineError `logits-not-finite` */
export function requireFinite(logits: HostTensor<'f32'>, tokensDone: number): void {
  const count = countNonFinite(logits.data)
  if (count === 0) return
  throw new EngineError(
    'logits-not-finite',
    `${count} of ${logits.data.length} logits are NaN or infinite after ${tokensDone} answer tokens. Either weights ` +
      `are damaged (findNonFinite(checkpoint) names them), or the precision is too low for this model: ` +
      `try the CPU, or a higher precision.`,
    { count, of: logits.data.length, tokensDone },
  )
}
