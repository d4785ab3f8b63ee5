import { type Dim, floorDivDims } from '../graph/dim.ts'
import { add, concat, linearProduct, patchify, reshape, slice } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { repeatOverBatch } from '../nn/attention.ts'
import { layerNorm } from '../nn/norm.ts'
import { type AxisWeights, positionTable } from '../nn/position-table.ts'
import { InputError } from '../tensor/errors.ts'
import type { ClipVisionConfig, PreNormName } from './clip-config.ts'
import { clipLayers } from './clip-layers.ts'
import type { VisionFeatures } from './vision-features.ts'

export interface ClipVitOptions {
  /** CLIP's `pre_layrnorm` by default; OWLv2 spells it `pre_layernorm`. */
  readonly preNorm?: PreNormName
  /**
   * How positions are interpolated for pictures of another size than the configuration's; by default there are none,
   * as in the official tower.
   */
  readonly positionWeights?: AxisWeights
  /** Eagle and LLaVA-HR: the class token leaves before the first norm and takes no part in attention. */
  readonly dropsClassToken?: boolean
  /** How many layers run, and need weights; all by default. */
  readonly layers?: number
}

/**
 * CLIP's image tower (HF `CLIPVisionModel`), without its last norm. Pixels [N, 3, h·P, w·P] → hidden states
 * [N, 1 + h·w, C], patches row by row behind the class token; `hiddenStates[0]` is what the first norm gives.
 * Source: CLIP (arXiv 2103.00020); golden cases `llava15-tiny`, `expert-clip`, `owlv2-tiny`.
 * @param w the tower's weights: `vision_model` and what stands before it
 */
export function clipVit(
  w: Weights,
  pixels: Tensor,
  config: ClipVisionConfig,
  options: ClipVitOptions = {},
): VisionFeatures {
  const layers = Math.min(options.layers ?? config.num_hidden_layers, config.num_hidden_layers)
  const used = { ...config, num_hidden_layers: layers }
  return { hiddenStates: clipLayers(w, clipEmbeddings(w, pixels, config, options), used) }
}

/** What `clipVit` gives its first layer, for towers whose layers are run in several programs. */
export function clipEmbeddings(
  w: Weights,
  pixels: Tensor,
  config: ClipVisionConfig,
  options: ClipVitOptions = {},
): Tensor {
  let x = tap('embeddings', embedPatches(w.at('embeddings'), pixels, config, options))
  if (options.dropsClassToken) x = slice(x, 1, 1, x.shape[1] as Dim)
  x = layerNorm(w.at(options.preNorm ?? 'pre_layrnorm'), x, config.layer_norm_eps)
  return tap('hidden_states.0', x)
}

/** Patches in row-major order behind the class token, plus the position table. → [N, 1 + h·w, C]. */
function embedPatches(
  w: Weights,
  pixels: Tensor,
  config: ClipVisionConfig,
  { positionWeights = refuseOtherSizes }: ClipVitOptions,
): Tensor {
  const { hidden_size: width, patch_size: patch } = config
  const [pictures, , height, breadth] = pixels.shape as [Dim, Dim, Dim, Dim]
  const kernel = reshape(w.get('patch_embedding.weight'), [width, 3 * patch * patch])
  const patches = linearProduct(patchify(pixels, patch), kernel)
  const embedded = concat([repeatOverBatch(w.get('class_embedding'), pictures), patches], 1)
  const table = w.get('position_embedding.weight')
  const stored = reshape(table, [1, ...table.shape])
  const [rows, columns] = [floorDivDims(height, patch), floorDivDims(breadth, patch)]
  return add(embedded, positionTable(stored, rows, columns, positionWeights))
}

const refuseOtherSizes: AxisWeights = (from, to) => {
  throw new InputError(
    'position-grid',
    `The tower has positions for ${from} patches a side, but the picture has ${to}. ` +
      'Resize the picture to the configured image_size, or give positionWeights to interpolate the positions.',
    { found: to, expected: from },
  )
}
