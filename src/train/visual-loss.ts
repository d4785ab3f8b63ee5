import type { Decoder } from '../decoders/decoder.ts'
import { dim, mulDims } from '../graph/dim.ts'
import { gather, mul, replaceRows, reshape } from '../graph/ops/index.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { f32, type HostTensor, i64 } from '../tensor/tensor.ts'
import { causalLoss, causalTargets, firstLabelled, labelledLogits } from './causal-loss.ts'
import { decoderGraphInputs, decoderStates, type OnLayer } from './decoder-graph.ts'

/** Sequences of one step, B rows of T, and which visual token stands at which place. */
export interface VisualBatch {
  /** Of text; anything at placeholders and padding. */
  readonly ids: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly valid: readonly (readonly boolean[])[]
  readonly positions: readonly (readonly number[])[]
  /** Places in the flattened batch, b · T + t, that hold visual tokens. */
  readonly placeholders: readonly number[]
  /** For each of them, the row of the features. */
  readonly visualRows: readonly number[]
}

export interface VisualLossOptions {
  /** Whether padding is embedded as zeros and not as the token of its id. */
  readonly zeroesPadding?: boolean
  readonly onLayer?: OnLayer
}

/**
 * The next-token loss of a decoder some of whose tokens are visual: the graph behind the encoders, the same for every
 * system. features [R, H] → [].
 * @param w the language model's weights
 */
export function visualLoss(
  w: Weights,
  decoder: Decoder,
  features: Tensor,
  options: VisualLossOptions = {},
): Tensor {
  return causalLoss(visualLogits(w, decoder, features, options))
}

/** What the loss is of: the logits behind each labelled token. features [R, H] → [L, V]. */
export function visualLogits(
  w: Weights,
  decoder: Decoder,
  features: Tensor,
  { zeroesPadding = false, onLayer }: VisualLossOptions = {},
): Tensor {
  const [B, T, V] = [dim('B'), dim('T'), dim('V')]
  const width = decoder.hiddenSize
  const visual = gather(features, input('visualRows', 'i64', [V]))
  const embedded = decoder.embed(w, input('ids', 'i64', [B, T]))
  const text = zeroesPadding ? mul(embedded, input('isReal', 'f32', [B, T, 1])) : embedded
  const flat = reshape(text, [mulDims(B, T), width])
  const filled = replaceRows(flat, visual, input('placeholders', 'i64', [V]))
  const embeddings = tap('inputs_embeds', reshape(filled, [B, T, width]))
  return labelledLogits(decoderStates(decoder, w, embeddings, onLayer), (rows) => decoder.head(w, rows))
}

/** The inputs of `visualLoss` for a batch; a program that does not zero padding takes no notice of `isReal`. */
export function visualFeeds(batch: VisualBatch, decoder: Decoder): Record<string, HostTensor> {
  const [B, T] = [batch.ids.length, batch.ids[0]!.length]
  const first = firstLabelled(batch.labels)
  return {
    ids: i64([B, T], batch.ids.flat()),
    isReal: f32([B, T, 1], batch.valid.flat().map(Number)),
    visualRows: i64([batch.visualRows.length], batch.visualRows),
    placeholders: i64([batch.placeholders.length], batch.placeholders),
    ...causalTargets(batch.labels, first),
    ...decoderGraphInputs(decoder, batch.valid, first, batch.positions),
  }
}
