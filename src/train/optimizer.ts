import { add, div, mul, sqrt, sub } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

/** One trained tensor during a step. */
export interface Trained {
  readonly value: Tensor
  readonly gradient: Tensor
  /** What the optimiser remembers of it, by slot name; zeros before the first step. */
  readonly slots: Readonly<Record<string, Tensor>>
  /** The step's learning rate for it. */
  readonly rate: Tensor
  /** Decoupled decay a step and unit of learning rate; 0 for norms and biases by custom. */
  readonly weightDecay: number
}

/** A trained tensor after the step. */
export interface Updated {
  readonly value: Tensor
  readonly slots: Readonly<Record<string, Tensor>>
}

/** An update rule written as graph ops, so that a whole training step is one program. */
export interface Optimizer {
  readonly name: string
  /** What it remembers of a trained tensor, each slot of the tensor's own shape. */
  slotsOf(key: string, shape: readonly number[]): readonly string[]
  /** The rule, over inputs of its own that `feeds` gives. */
  update(trained: Trained): Updated
  /** The values of the rule's inputs at step 1, 2, …. */
  feeds(step: number, learningRate: number): Record<string, HostTensor>
}

export interface AdamWSettings {
  /** Decay of the first and the second moment. */
  readonly betas?: readonly [number, number]
  readonly epsilon?: number
}

/** The learning rate of a step, before the factor of a group. */
export const stepRate: Tensor = input('learningRate', 'f32', [])
const correction = { first: input('correction1', 'f32', []), second: input('correction2', 'f32', []) }

/**
 * Adam with decoupled weight decay: p ← p·(1 − lr·λ) − lr/(1 − β₁ᵗ)·m/(√v/√(1 − β₂ᵗ) + ε), in PyTorch's order of
 * operations. Source: Loshchilov and Hutter (arXiv 1711.05101); golden cases `mgllava-tiny-image`, `videollava-train`.
 */
export function adamW({ betas = [0.9, 0.999], epsilon = 1e-8 }: AdamWSettings = {}): Optimizer {
  const [beta1, beta2] = betas
  return {
    name: 'adamw',
    slotsOf: () => ['m', 'v'],
    update({ value, gradient, slots, rate, weightDecay }) {
      const m = add(mul(slots.m!, beta1), mul(gradient, 1 - beta1))
      const v = add(mul(slots.v!, beta2), mul(mul(gradient, gradient), 1 - beta2))
      const decayed = weightDecay === 0 ? value : mul(value, sub(1, mul(rate, weightDecay)))
      const scale = add(div(sqrt(v), correction.second), epsilon)
      const step = mul(div(rate, correction.first), div(m, scale))
      return { value: sub(decayed, step), slots: { m, v } }
    },
    feeds: (step, learningRate) => ({
      learningRate: number(learningRate),
      correction1: number(1 - beta1 ** step),
      correction2: number(Math.sqrt(1 - beta2 ** step)),
    }),
  }
}

/** p ← p·(1 − lr·λ) − lr·g, with momentum where it is above 0: u ← μ·u + g in place of g. */
export function sgd({ momentum = 0 }: { readonly momentum?: number } = {}): Optimizer {
  return {
    name: 'sgd',
    slotsOf: () => (momentum > 0 ? ['u'] : []),
    update({ value, gradient, slots, rate, weightDecay }) {
      const decayed = weightDecay === 0 ? value : mul(value, sub(1, mul(rate, weightDecay)))
      if (momentum === 0) return { value: sub(decayed, mul(rate, gradient)), slots: {} }
      const u = add(mul(slots.u!, momentum), gradient)
      return { value: sub(decayed, mul(rate, u)), slots: { u } }
    },
    feeds: (_, learningRate) => ({ learningRate: number(learningRate) }),
  }
}

function number(value: number): HostTensor<'f32'> {
  return hostTensor('f32', [], Float32Array.of(value))
}
