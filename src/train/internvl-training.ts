import type { Decoder } from '../decoders/decoder.ts'
import { type Dim, dim, mulDims } from '../graph/dim.ts'
import { reshape } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { type InternVlConfig, pixelShape, tilesPerMap, tokensPerTile } from '../systems/internvl-config.ts'
import { internVlVision } from '../systems/internvl-vision.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { Batch, Rows } from './collate.ts'
import { visualFeeds, visualLoss } from './visual-loss.ts'

/**
 * The training loss of InternVL chat models, one graph from pixels to a scalar: the tokens of flagged tiles replace
 * the placeholders of the flattened batch in order. Source: InternVL `forward`; golden case `internvl-chat-internlm2`.
 */
export function internVlLoss(w: Weights, config: InternVlConfig, decoder: Decoder): Tensor {
  return visualLoss(w.at('language_model'), decoder, inOneRow(visualTokens(w, config)))
}

/** The visual tokens of a batch's tiles, [N, P, H]. */
export function visualTokens(w: Weights, config: InternVlConfig): Tensor {
  return internVlVision(w, input('pixels', 'f32', pixelShape(config, dim('N'))), config)
}

/** Visual tokens one after the other, as the decoder's losses take them: [N, P, H] → [N·P, H]. */
export function inOneRow(features: Tensor): Tensor {
  const [tiles, perTile, width] = features.shape as [Dim, number, number]
  return reshape(features, [mulDims(tiles, perTile), width])
}

/** The loss's inputs for a batch: its pixels, and those of `shownFeeds`. */
export function internVlFeeds(
  batch: Batch,
  config: InternVlConfig,
  decoder: Decoder,
  contextId: number,
): Record<string, HostTensor> {
  const pixels = hostTensor(
    'f32',
    pixelShape(config, batch.imageFlags.length / tilesPerMap(config)),
    batch.pixels.data,
  )
  return { ...shownFeeds(batch, shownRows(batch, config), decoder, contextId), pixels }
}

/** The visual tokens of a batch's flagged tiles that its placeholders stand for. */
function shownRows({ imageFlags }: Batch, config: InternVlConfig): readonly number[] {
  const perTile = tokensPerTile(config)
  const together = tilesPerMap(config)
  return imageFlags.flatMap((flag, tile) =>
    flag && tile % together === 0
      ? Array.from({ length: perTile }, (_, i) => (tile / together) * perTile + i)
      : [],
  )
}

/**
 * The inputs of `visualLoss` for a batch. When placeholders and visual tokens differ in number the loss is zeroed.
 * @param rows the visual tokens that placeholders stand for, in their order
 */
export function shownFeeds(
  batch: Rows,
  rows: readonly number[],
  decoder: Decoder,
  contextId: number,
): Record<string, HostTensor> {
  const placeholders = batch.ids.flat().flatMap((id, at) => (id === contextId ? [at] : []))
  const count = Math.min(placeholders.length, rows.length)
  const feeds = visualFeeds(
    {
      ids: batch.ids,
      labels: batch.labels,
      valid: batch.attentionMask.map((row) => row.map(Boolean)),
      positions: batch.positions,
      placeholders: placeholders.slice(0, count),
      visualRows: rows.slice(0, count),
    },
    decoder,
  )
  if (placeholders.length !== rows.length) (feeds.weights!.data as Float32Array).fill(0)
  return feeds
}
