import { exp, matmul, mean } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { unit } from '../nn/unit.ts'
import { coswin } from './coswin.ts'
import { swin } from './swin.ts'
import type { UniclConfig } from './unicl-config.ts'
import { atEndToken, uniclText } from './unicl-text.ts'

/**
 * The picture's direction in the space shared with texts: pixels [B, 3, H, W] → [B, p] of length 1.
 * Source: UniCL (arXiv 2204.03610), Florence (arXiv 2111.11432); golden cases `florence-unicl`, `florence-two-tower`.
 */
export function uniclImageFeatures(w: Weights, pixels: Tensor, { image }: UniclConfig): Tensor {
  const tower = w.at('image_encoder')
  const pooled =
    image.type === 'swin'
      ? mean(swin(tower, pixels, image.config).tokens, [1])
      : coswin(tower, pixels, image.config).pooled
  return unit(matmul(pooled, w.get('image_projection')))
}

/** The text's direction: ids [B, T] i64, padded to the context length → [B, p] of length 1. */
export function uniclTextFeatures(w: Weights, ids: Tensor, { text }: UniclConfig): Tensor {
  const hidden = uniclText(w.at('text_encoder'), ids, text)
  return unit(matmul(atEndToken(hidden, ids), w.get('text_projection')))
}

/** What similarities are multiplied with, τ = exp(logit_scale), []. */
export function uniclScale(w: Weights): Tensor {
  return tap('tau', exp(w.get('logit_scale')))
}
