import { type Dim, dim, mulDims } from '../graph/dim.ts'
import { gather, logSoftmax, mul, neg, reshape, sum, takeLast } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { CAUSAL_PARTS } from '../nn/attention.ts'
import { f32, type HostTensor, i64 } from '../tensor/tensor.ts'
import { IGNORED } from '../text/labels.ts'

/**
 * The logits at the labelled positions and nowhere else: of a sequence about a picture few tokens are learned, and the
 * vocabulary may be large. hidden [B, Q, H] → [L, V].
 * @param head hidden rows [L, H] → logits [L, V]
 */
export function labelledLogits(hidden: Tensor, head: (rows: Tensor) => Tensor): Tensor {
  const [B, Q, width] = hidden.shape as [Dim, Dim, number]
  return head(gather(reshape(hidden, [mulDims(B, Q), width]), input('labelled', 'i64', [dim('L')])))
}

/** Mean cross entropy of the next token over the labelled positions. logits [L, V] → []. */
export function causalLoss(logits: Tensor): Tensor {
  const L = dim('L')
  const targets = reshape(input('targets', 'i64', [L]), [L, 1])
  const chosen = reshape(takeLast(logSoftmax(logits), targets), [L])
  return neg(sum(mul(chosen, input('weights', 'f32', [L]))))
}

/** The first place of any row whose next token is labelled, or one before it that causal attention needs. */
export function firstLabelled(labels: readonly (readonly number[])[]): number {
  const firsts = labels.map((row) => row.findIndex((label, t) => t > 0 && label !== IGNORED))
  const last = labels[0]!.length - CAUSAL_PARTS
  return Math.max(0, Math.min(last, ...firsts.filter((t) => t > 0).map((t) => t - 1)))
}

/**
 * The loss's inputs from labels (B rows of T): the places b·Q + t − first whose next token is labelled, that token, and
 * 1/places. Where nothing is labelled the first place stands with a weight of 0.
 * @param first of the tokens whose states the head is given
 */
export function causalTargets(
  labels: readonly (readonly number[])[],
  first = 0,
): Record<'labelled' | 'targets' | 'weights', HostTensor> {
  const Q = labels[0]!.length - first
  const found = labels.flatMap((row, b) =>
    row.slice(first + 1).flatMap((label, q) => (label === IGNORED ? [] : [{ place: b * Q + q, label }])),
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
