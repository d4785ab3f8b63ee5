import { add, div, logSoftmax, matmulTransposed, mul, neg, sum, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'

export interface ContrastiveLosses {
  /** τ·u·vᵀ, [B, B]. */
  readonly logits: Tensor
  readonly imageToText: Tensor
  readonly textToImage: Tensor
}

export interface ContrastiveOptions {
  /** Florence sums over the batch; UniCL takes its mean. */
  readonly reduction?: 'mean' | 'sum'
}

/**
 * Unified contrastive loss: pictures and texts of one label are positives of each other, all others negatives. Each
 * direction is −Σ over the row of T·ln softmax(logits) / Σ T. UniCL halves the sum of the two directions, which is then
 * CLIP's loss where all labels differ. images, texts [B, p] of length 1, tau [], targets [B, B] of 0 and 1.
 * Source: UniCL (arXiv 2204.03610), section 3.2; golden cases `florence-unicl`, `florence-two-tower`.
 */
export function unifiedContrastiveLoss(
  images: Tensor,
  texts: Tensor,
  tau: Tensor,
  targets: Tensor,
  { reduction = 'mean' }: ContrastiveOptions = {},
): ContrastiveLosses {
  const logits = mul(matmulTransposed(images, texts), tau)
  const perRow = div(targets, sum(targets, [1], { keepDims: true }))
  const batch = targets.shape[0] as number
  const oneWay = (scores: Tensor): Tensor => {
    const total = neg(sum(mul(logSoftmax(scores), perRow)))
    return reduction === 'mean' ? div(total, batch) : total
  }
  return {
    logits,
    imageToText: oneWay(logits),
    // Targets are symmetric, so that the rows of the transposed logits have the same ones.
    textToImage: oneWay(transpose(logits, [1, 0])),
  }
}

/** Half the sum of both directions, []. */
export function halvedSum({ imageToText, textToImage }: ContrastiveLosses): Tensor {
  return div(add(imageToText, textToImage), 2)
}

/** 1 where two samples have one label, [B, B]; label 0 is a text that no other sample has. */
export function contrastiveTargets(labels: readonly number[]): HostTensor<'f32'> {
  const B = labels.length
  const targets = zeros('f32', [B, B])
  for (let i = 0; i < B; i++)
    for (let j = 0; j < B; j++)
      if (i === j || (labels[i] !== 0 && labels[i] === labels[j])) targets.data[i * B + j] = 1
  return targets
}

/** A label for each caption: equal texts, letter by letter, share one; numbered from 1 as they first appear. */
export function captionLabels(captions: readonly string[]): number[] {
  const labels = new Map<string, number>()
  return captions.map((caption) => {
    const label = labels.get(caption) ?? labels.size + 1
    labels.set(caption, label)
    return label
  })
}
