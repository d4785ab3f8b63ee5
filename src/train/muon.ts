import {
  add,
  div,
  matmul,
  matmulTransposed,
  mul,
  reshape,
  sqrt,
  sub,
  sum,
  transposeLast,
} from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type AdamWSettings, adamW, type Optimizer, type Trained, type Updated } from './optimizer.ts'

export interface MuonSettings extends AdamWSettings {
  /** Decay of the momentum of matrices. */
  readonly momentum?: number
}

/** Of the polynomial that brings singular values towards 1, and how often it is applied. */
const [A, B, C] = [3.4445, -4.775, 2.0315]
const ROUNDS = 5
/** The root mean square of an update's entries, in learning rates: that of AdamW, so that rates can be taken over. */
const UPDATE_RMS = 0.2

/**
 * Muon: matrices move by their momentum made orthogonal, so that all directions are learned at one pace, and so do the
 * embedding of patches and the convolutions of a stem, which are matrices from pixels; vectors, other convolutions,
 * embeddings and heads move by AdamW. Source: Jordan et al., "Muon" (2024); the scale and the decay as in Liu et al. (arXiv
 * 2502.16982), section 2.2.
 */
export function muon({ momentum = 0.95, ...settings }: MuonSettings = {}): Optimizer {
  const others = adamW(settings)
  return {
    name: 'muon',
    slotsOf: (key, shape) => (isInnerMatrix(key, shape) ? ['u'] : others.slotsOf(key, shape)),
    update: (trained) => ('u' in trained.slots ? moved(trained, momentum) : others.update(trained)),
    feeds: (step, learningRate) => others.feeds(step, learningRate),
  }
}

/** Matrices to hidden states; the rows of embeddings and heads are things of their own. */
function isInnerMatrix(key: string, { length: rank }: readonly number[]): boolean {
  return rank === 2
    ? !/embed|lm_head|language_model\.output/.test(key)
    : rank > 2 && /patch_embed|\.stem\./.test(key)
}

function moved({ value, gradient, slots, rate, weightDecay }: Trained, momentum: number): Updated {
  const u = add(mul(slots.u!, momentum), gradient)
  const ahead = add(gradient, mul(u, momentum))
  const [rows, ...sides] = value.shape as [number, ...number[]]
  const columns = sides.reduce((product, side) => product * side)
  const turned = orthogonal(reshape(ahead, [rows, columns]))
  const step = mul(reshape(turned, value.shape), UPDATE_RMS * Math.sqrt(Math.max(rows, columns)))
  const decayed = weightDecay === 0 ? value : mul(value, sub(1, mul(rate, weightDecay)))
  return { value: sub(decayed, mul(rate, step)), slots: { u } }
}

/** U·Vᵀ of a matrix U·S·Vᵀ, roughly: its singular values come to lie near 1. */
function orthogonal(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape as [number, number]
  let x = rows > columns ? transposeLast(matrix) : matrix
  x = div(x, add(sqrt(sum(mul(x, x))), 1e-7))
  for (let round = 0; round < ROUNDS; round++) {
    const square = matmulTransposed(x, x)
    const mix = add(mul(square, B), mul(matmul(square, square), C))
    x = add(mul(x, A), matmul(mix, x))
  }
  return rows > columns ? transposeLast(x) : x
}
