import type { Decoder } from '../decoders/decoder.ts'
import type { ClipVisionConfig } from '../encoders/clip-config.ts'
import { type Dim, dim, mulDims } from '../graph/dim.ts'
import { concat, reshape } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { type LlavaConfig, tokensPerLlavaTile } from '../systems/llava-config.ts'
import { llavaVision } from '../systems/llava-vision.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { IMAGE_ID } from '../text/image-ids.ts'
import { IGNORED } from '../text/labels.ts'
import type { LlavaSample } from '../text/llava-labels.ts'
import { NEWLINE } from '../tiling/any-res-tokens.ts'
import { joinTiles } from './collate.ts'
import { type VisualBatch, visualFeeds, visualLoss } from './visual-loss.ts'

/** A labelled text with its pictures. */
export interface LlavaTrainingSample extends Pick<LlavaSample, 'inputIds' | 'labels'> {
  /** The tiles of its pictures, [n, 3, S, S]; of a text without pictures one blank tile. */
  readonly pixels: HostTensor<'f32'>
  /** The tokens of each picture, as `picturesTokens` orders them; of a text without pictures none. */
  readonly orders: readonly (readonly number[])[]
}

/**
 * The training loss of LLaVA, one graph from pixels to a scalar. Source: LLaVA, `llava_arch.py`; golden case
 * `llava15-tiny`.
 */
export function llavaLoss(
  w: Weights,
  config: LlavaConfig,
  tower: ClipVisionConfig,
  decoder: Decoder,
): Tensor {
  const side = tower.image_size
  const features = llavaVision(w, input('pixels', 'f32', [dim('N'), 3, side, side]), config, tower)
  const [tiles, perTile, width] = features.shape as [Dim, number, number]
  const tokens = reshape(features, [mulDims(tiles, perTile), width])
  const newline = w.find('model.image_newline')
  // The newline is the row behind all tokens.
  const rows = newline ? concat([tokens, reshape(newline, [1, width])], 0) : tokens
  return visualLoss(w, decoder, rows, { zeroesPadding: true })
}

/** The loss's inputs for a batch. */
export function llavaFeeds(
  samples: readonly LlavaTrainingSample[],
  config: LlavaConfig,
  tower: ClipVisionConfig,
  decoder: Decoder,
): Record<string, HostTensor> {
  const pixels = joinTiles(samples.map((sample) => sample.pixels))
  return { pixels, ...visualFeeds(mergeLlava(samples, config, tokensPerLlavaTile(config, tower)), decoder) }
}

/** One place of a merged sequence: a token of text, or the row of a visual one. */
interface Place {
  readonly id: number
  readonly label: number
  readonly row?: number
}

/**
 * Samples with each picture's placeholder replaced by its tokens, cut at `tokenizer_model_max_length`, padded to the
 * longest. Visual tokens are not learned; positions count real tokens. Source: LLaVA,
 * `prepare_inputs_labels_for_multimodal`; golden case `llava15-tiny`.
 */
export function mergeLlava(
  samples: readonly LlavaTrainingSample[],
  config: LlavaConfig,
  tokensPerTile: number,
): VisualBatch {
  const tiles = samples.map((sample) => sample.pixels.shape[0]!)
  const newlineRow = tiles.reduce((sum, count) => sum + count, 0) * tokensPerTile
  let firstTile = 0
  const merged = samples.map((sample, i) => {
    const firstRow = firstTile * tokensPerTile
    firstTile += tiles[i]!
    const places = mergeSample(sample, (token) => (token === NEWLINE ? newlineRow : firstRow + token))
    return places.slice(0, config.tokenizer_model_max_length ?? undefined)
  })
  const longest = Math.max(...merged.map((places) => places.length))
  const isLeft = config.tokenizer_padding_side === 'left'
  const padded = <T>(row: readonly T[], filler: T): T[] => {
    const padding = Array<T>(longest - row.length).fill(filler)
    return isLeft ? [...padding, ...row] : [...row, ...padding]
  }
  const rows = merged.flatMap((places) => padded<Place | undefined>(places, undefined))
  const placeholders = rows.flatMap((place, at) => (place?.row === undefined ? [] : [at]))
  return {
    ids: merged.map((places) =>
      padded(
        places.map((place) => place.id),
        0,
      ),
    ),
    labels: merged.map((places) =>
      padded(
        places.map((place) => place.label),
        IGNORED,
      ),
    ),
    valid: merged.map((places) =>
      padded(
        places.map(() => true),
        false,
      ),
    ),
    positions: merged.map((places) => padded([...places.keys()], 0)),
    placeholders,
    visualRows: placeholders.map((at) => rows[at]!.row!),
  }
}

/** The tokens that `mergeLlava` makes of a sample. */
export function mergedLength(
  { inputIds, orders }: Pick<LlavaTrainingSample, 'inputIds' | 'orders'>,
  config: LlavaConfig,
): number {
  let picture = 0
  const tokens = inputIds.reduce((sum, id) => sum + (id === IMAGE_ID ? orders[picture++]!.length : 1), 0)
  return Math.min(tokens, config.tokenizer_model_max_length ?? tokens)
}

/** Text and visual tokens in sequence. */
function mergeSample(
  { inputIds, labels, orders }: LlavaTrainingSample,
  rowOf: (token: number) => number,
): Place[] {
  let picture = 0
  return inputIds.flatMap((id, t): Place[] =>
    id === IMAGE_ID
      ? orders[picture++]!.map((token) => ({ id: 0, label: IGNORED, row: rowOf(token) }))
      : [{ id, label: labels[t]! }],
  )
}
