import type { Work } from '../graph/work.ts'
import type { Precision } from '../runtime/precision.ts'

/** How fast a machine computes in one precision, measured on blocks of usual size. */
export interface Speeds {
  /** Multiply-adds a second of a vision block at about a thousand tokens. */
  readonly vision: number
  /** Of a decoder block that reads many tokens: products with weights, and attention. */
  readonly prefill: { readonly linear: number; readonly attention: number }
  /** Of a decoder block that reads one: weights a second, and multiply-adds of attention. */
  readonly step: { readonly weights: number; readonly attention: number }
}

export type SpeedsByPrecision = Readonly<Record<Precision, Speeds>>

export function visionSeconds({ vision }: Speeds, { linear, attention }: Work): number {
  return (linear + attention) / vision
}

export function prefillSeconds({ prefill }: Speeds, { linear, attention }: Work): number {
  return linear / prefill.linear + attention / prefill.attention
}

export function stepSeconds({ step }: Speeds, { weights, attention }: Work): number {
  return weights / step.weights + attention / step.attention
}
