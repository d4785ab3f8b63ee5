import { type Dim, dim, mulDims } from '../graph/dim.ts'
import { gather, logSoftmax, mul, neg, reshape, sum, takeLast } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { f32, type HostTensor, i64 } from '../tensor/tensor.ts'
import { IGNORED } from '../text/labels.ts'

/**
 * The logits at the labelled positions and nowhere else: of a sequence about a picture few tokens are learned, and the
 * vocabulary may be large. hidden [B, T, H] → [L, V].
 * @param head hidden rows [L, H] → logits [L, V]
 */
export function labelledLogits(hidden: Tensor, head: (rows: Tensor) => Tensor): Tensor {
  const [B, T, width] = hidden.shape as [Dim, Dim, number]
  return head(gather(reshape(hidden, [mulDims(B, T), width]), input('labelled', 'i64', [dim('L')])))
}

/** Mean cross entropy of the next token over the labelled positions. logits [L, V] → []. */
export function causalLoss(logits: Tensor): Tensor {
  const L = dim('L')
  const targets = reshape(input('targets', 'i64', [L]), [L, 1])
  const chosen = reshape(takeLast(logSoftmax(logits), targets), [L])
  return neg(sum(mul(chosen, input('weights', 'f32', [L]))))
}

/**
 * The loss's inputs from labels (B rows of T): the places b·T + t whose next token is labelled, that token, and
 * 1/places. Where nothing is labelled the first place stands with a weight of 0.
 */
export function causalTargets(
  labels: readonly (readonly number[])[],
): Record<'labelled' | 'targets' | 'weights', HostTensor> {
  const T = labels[0]!.length
  const found = labels.flatMap((row, b) =>
    row.slice(1).flatMap((label, t) => (label === IGNORED ? [] : [{ place: b * T + t, label }])),
  )
  const used = found.length > 0 ? found : [{ place: 0, label: 0 }]
  return {
    labelled: i64(
      [used.length],
      used.map(({ place }) => place),
    ),
    targets: i64(
      [used.length],
      used.map(({ label }) => label),
    ),
    weights: f32([used.length], Array(used.length).fill(found.length === 0 ? 0 : 1 / found.length)),
  }
}
