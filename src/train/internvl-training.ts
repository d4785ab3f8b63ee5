import type { Decoder } from '../decoders/decoder.ts'
import { addDims, type Dim, dim, mulDims } from '../graph/dim.ts'
import { gather, replaceRows, reshape } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { InternVlConfig } from '../systems/internvl-config.ts'
import { tokensPerTile } from '../systems/internvl-config.ts'
import { internVlVision } from '../systems/internvl-vision.ts'
import { type HostTensor, i64 } from '../tensor/tensor.ts'
import { causalLoss, causalTargets } from './causal-loss.ts'
import type { Batch } from './collate.ts'
import { decoderGraph, decoderGraphInputs } from './decoder-graph.ts'

/**
 * The training loss of InternVL chat models, one graph from pixels to a scalar: the tokens of flagged tiles replace
 * the placeholders of the flattened batch in order. Source: InternVL `forward`; golden case `internvl-chat-internlm2`.
 */
export function internVlLoss(w: Weights, config: InternVlConfig, decoder: Decoder): Tensor {
  const [B, T, V] = [dim('B'), dim('T'), dim('V')]
  const language = w.at('language_model')
  const side = config.tileSize
  const features = internVlVision(w, input('pixels', 'f32', [dim('N'), 3, side, side]), config)
  const [tiles, perTile, width] = features.shape as [Dim, number, number]
  const visual = gather(reshape(features, [mulDims(tiles, perTile), width]), input('visualRows', 'i64', [V]))
  const embedded = decoder.embed(language, input('ids', 'i64', [B, T]))
  const flat = reshape(embedded, [mulDims(B, T), width])
  const filled = replaceRows(flat, visual, input('placeholders', 'i64', [V]))
  const logits = decoderGraph(decoder, language, reshape(filled, [B, T, width]))
  const before = addDims(T, -1)
  return causalLoss(logits, input('targets', 'i64', [B, before]), input('weights', 'f32', [B, before]))
}

/** The loss's inputs for a batch. When placeholders and visual tokens differ in number the loss is zeroed. */
export function internVlFeeds(
  batch: Batch,
  config: InternVlConfig,
  decoder: Decoder,
  contextId: number,
): Record<string, HostTensor> {
  const perTile = tokensPerTile(config)
  const flat = batch.ids.flat()
  const placeholders = flat.flatMap((id, at) => (id === contextId ? [at] : []))
  const rows = batch.imageFlags.flatMap((flag, tile) =>
    flag ? Array.from({ length: perTile }, (_, i) => tile * perTile + i) : [],
  )
  const count = Math.min(placeholders.length, rows.length)
  const { targets, weights } = causalTargets(batch.labels)
  if (placeholders.length !== rows.length) weights.data.fill(0)
  return {
    ids: i64([batch.ids.length, batch.ids[0]!.length], flat),
    pixels: batch.pixels,
    visualRows: i64([count], rows.slice(0, count)),
    placeholders: i64([count], placeholders.slice(0, count)),
    targets,
    weights,
    ...decoderGraphInputs(
      decoder,
      batch.attentionMask.map((row) => row.map(Boolean)),
      batch.positions,
    ),
  }
}
