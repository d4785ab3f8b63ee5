import { addDims, type Dim } from '../graph/dim.ts'
import { logSoftmax, mul, neg, reshape, slice, sum, takeLast } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { IGNORED } from '../text/labels.ts'

/**
 * Mean cross entropy of the next token over the labelled positions.
 * logits [B, T, V], targets [B, T − 1] i64, weights [B, T − 1] (1/labelled tokens, or 0 where nothing is learned) → [].
 */
export function causalLoss(logits: Tensor, targets: Tensor, weights: Tensor): Tensor {
  const [batch, tokens] = logits.shape as [Dim, Dim]
  const before = addDims(tokens, -1)
  const logProbabilities = logSoftmax(slice(logits, 1, 0, before))
  const chosen = takeLast(logProbabilities, reshape(targets, [batch, before, 1]))
  return neg(sum(mul(reshape(chosen, [batch, before]), weights)))
}

/** The loss's inputs from labels (B rows of T): labels are shifted by one, ignored ones get no weight. */
export function causalTargets(labels: readonly (readonly number[])[]): {
  targets: HostTensor<'i64'>
  weights: HostTensor<'f32'>
} {
  const shifted = labels.flatMap((row) => row.slice(1))
  const labelled = shifted.filter((label) => label !== IGNORED).length
  const shape = [labels.length, labels[0]!.length - 1]
  return {
    targets: hostTensor(
      'i64',
      shape,
      BigInt64Array.from(shifted, (label) => BigInt(Math.max(0, label))),
    ),
    weights: hostTensor(
      'f32',
      shape,
      Float32Array.from(shifted, (label) => (label === IGNORED || labelled === 0 ? 0 : 1 / labelled)),
    ),
  }
}
