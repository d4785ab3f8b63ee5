import type { CachedAttentionInputs } from '../graph/ops/cached-attention.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import type { PastKeyValue } from '../nn/attention.ts'
import type { Rope } from './rope.ts'

/** What a block sees besides its input: the past as an operand, cells of a cache that it fills, or nothing before it. */
export type BlockContext = PastContext | CellContext | SequenceContext

/** The past is read, new keys and values are given back; attention can be masked and looked at. */
export interface PastContext {
  /** Rotary tables [B, T, D/2]. */
  readonly cos: Tensor
  readonly sin: Tensor
  /** Added to the attention scores, [B, T, P + T]. */
  readonly mask: Tensor
  /** Keys (after rotary) and values computed before. */
  readonly past: PastKeyValue
}

/** Whole sequences, as training runs them: nothing is cached, and no weights of attention are given back. */
export interface SequenceContext {
  /** Rotary tables [B, T, D/2]. */
  readonly cos: Tensor
  readonly sin: Tensor
  /** Of the last Q tokens, which alone are computed: causal, and hides padding. [B, Q, T] */
  readonly causalMask: Tensor
}

/** Causal attention over a cache that is written in place. */
export interface CellContext {
  readonly cells: Omit<CachedAttentionInputs, 'q' | 'k' | 'v' | 'packed'>
}

/** What a block gives besides its output, so that caches, pruning and distillation can look inside. */
export interface BlockResult {
  readonly output: Tensor
  /** Of the new tokens, after rotary: [B, kv heads, T, D] each; over a cache in place all its cells. */
  readonly key: Tensor
  readonly value: Tensor
  /** Of whole sequences, after rotary: [B, heads, Q, D]. */
  readonly query?: Tensor
  /** Softmax weights [B, heads, T, P + T], over a past that is an operand. */
  readonly attention?: Tensor
}

/**
 * A decoder-only language model as functions over its weights. The same functions make the programs for prefill,
 * decoding and training; where the chain of blocks is cut is the caller's choice.
 */
export interface Decoder {
  readonly layers: number
  readonly hiddenSize: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  readonly vocabSize: number
  readonly rope: Rope
  /** Every weight and its shape, below the decoder's prefix. */
  readonly shapes: Shapes
  /** ids [B, T] i64 → [B, T, H]. */
  embed(w: Weights, ids: Tensor): Tensor
  /** x [B, T, H] → [B, T, H]; of whole sequences the last Q tokens, [B, Q, H]. */
  block(w: Weights, index: number, x: Tensor, context: BlockContext): BlockResult
  /** The final norm: [..., H] → [..., H]. */
  norm(w: Weights, x: Tensor): Tensor
  /** Logits of normed states: [..., H] → [..., V]. */
  head(w: Weights, x: Tensor): Tensor
}
