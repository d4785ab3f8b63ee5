import type { BlockResult, Decoder } from '../decoders/decoder.ts'
import { maskFrom, trainingMask } from '../decoders/mask.ts'
import { RotaryState } from '../decoders/rope.ts'
import { dim } from '../graph/dim.ts'
import { markLayer } from '../graph/layer.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/** A decoder over whole sequences without a cache, its head included. embeddings [B, T, H] → logits [B, T, V]. */
export function decoderGraph(decoder: Decoder, w: Weights, embeddings: Tensor): Tensor {
  return decoder.head(w, decoderStates(decoder, w, embeddings))
}

/** Is shown what each layer gives, and the mask [B, Q, T] of the last tokens. */
export type OnLayer = (layer: number, given: BlockResult, lastMask: Tensor) => void

/**
 * What the head of a decoder reads, without a cache, as training runs it: the last layer computes the last Q tokens alone,
 * as nothing is learned from those before. embeddings [B, T, H] → [B, Q, H].
 */
export function decoderStates(decoder: Decoder, w: Weights, embeddings: Tensor, onLayer?: OnLayer): Tensor {
  const [B, T, Q] = [dim('B'), dim('T'), dim('Q')]
  const tables = {
    cos: input('cos', 'f32', [B, T, decoder.headSize / 2]),
    sin: input('sin', 'f32', [B, T, decoder.headSize / 2]),
  }
  const mask = input('mask', 'f32', [B, T, T])
  const lastMask = input('lastMask', 'f32', [B, Q, T])
  let x = embeddings
  for (let layer = 0; layer < decoder.layers; layer++) {
    const causalMask = layer === decoder.layers - 1 ? lastMask : mask
    const given = decoder.block(w, layer, x, { ...tables, causalMask })
    onLayer?.(layer, given, lastMask)
    x = markLayer(x, tap(`decoder.hidden_states.${layer + 1}`, given.output))
  }
  return tap('decoder.normed', decoder.norm(w, x))
}

/**
 * The position inputs of `decoderGraph` and `decoderStates`.
 * @param valid B rows of T: whether each token is real
 * @param first of the tokens that the last layer computes; Q is T − first
 * @param positions B rows of T; 0, 1, … by default
 */
export function decoderGraphInputs(
  decoder: Decoder,
  valid: readonly (readonly boolean[])[],
  first = 0,
  positions: readonly (readonly number[])[] = valid.map((row) => row.map((_, t) => t)),
): Record<'cos' | 'sin' | 'mask' | 'lastMask', HostTensor> {
  const tables = new RotaryState(decoder.rope).tables(positions, valid[0]!.length)
  const mask = trainingMask(valid)
  return { ...tables, mask, lastMask: maskFrom(mask, first) }
}
