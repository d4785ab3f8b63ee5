import { add, log, maximum, minimum, mul, neg, sigmoid, stopGradient, sub, sum } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

export interface AsymmetricLossOptions {
  /** Focusing exponents of the absent and of the present labels; whole numbers. */
  readonly gammaNegative: number
  readonly gammaPositive: number
  /** By how much the probability of an absent label is lowered before it counts. */
  readonly clip: number
}

/**
 * Asymmetric loss for labels of which few are present: −Σ w·(y·ln p + (1 − y)·ln p⁻) with p = σ(logit),
 * p⁻ = min(1 − p + clip, 1) and w = (1 − pₜ)^γ, a constant of differentiation as published. Summed, not averaged.
 * logits and targets (0 or 1) of one shape → []. Source: arXiv 2009.14119; golden case `ram-tiny`.
 */
export function asymmetricLoss(logits: Tensor, targets: Tensor, options: AsymmetricLossOptions): Tensor {
  const p = sigmoid(logits)
  const absent = minimum(add(sub(1, p), options.clip), 1)
  const isAbsent = sub(1, targets)
  const likelihood = add(mul(targets, log(maximum(p, 1e-8))), mul(isAbsent, log(maximum(absent, 1e-8))))
  const weight = add(
    mul(targets, power(sub(1, p), options.gammaPositive)),
    mul(isAbsent, power(sub(1, absent), options.gammaNegative)),
  )
  return neg(sum(mul(likelihood, stopGradient(weight))))
}

/** x to the power of a whole number. */
function power(x: Tensor, exponent: number): Tensor | number {
  let product: Tensor | number = 1
  for (let i = 0; i < exponent; i++) product = product === 1 ? x : mul(product, x)
  return product
}
