import { requireKeys } from '../checkpoint/check.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { parseConfig } from '../checkpoint/config.ts'
import type { Decoder } from '../decoders/decoder.ts'
import { DecoderPrograms } from '../decoders/programs.ts'
import { decoderOf } from '../decoders/registry.ts'
import type { ClipVisionConfig } from '../encoders/clip-config.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { addWork } from '../graph/work.ts'
import { Program } from '../runtime/program.ts'
import { toFloat32 } from '../tensor/half.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { IMAGE_ID } from '../text/image-ids.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { conversationTemplate, stopText } from '../text/templates.ts'
import { picturesTokens } from '../tiling/any-res-tokens.ts'
import { clipTowerConfig } from './clip-tower.ts'
import { withCompanions } from './companion.ts'
import { encodeTiles } from './encode-tiles.ts'
import {
  type LlavaConfig,
  languageArchitecture,
  llavaConfig,
  llavaShapes,
  llavaTiling,
  llavaTower,
  llavaUnread,
  tokensPerLlavaTile,
} from './llava-config.ts'
import { type LlavaSight, prepareLlava } from './llava-prepare.ts'
import { llavaVision } from './llava-vision.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import type { PromptReaderParts } from './prompt-reader.ts'
import type { PreparedConversation, RunOptions, System } from './system.ts'
import { VisualChat } from './visual-chat.ts'
import { orderTokens } from './visual-input.ts'
import { VisualTokenCache } from './visual-token-cache.ts'

/**
 * LLaVA-1.5 and LLaVA-NeXT (1.6): padded picture or any-res tiles → CLIP → MLP → in place of `<image>` → Llama.
 * @throws CheckpointError, EngineError
 */
export async function openLlava(files: ModelFiles, options: OpenOptions): Promise<System> {
  const tokenizer = await loadTokenizer(files.source)
  const { sight, reader, vision } = await compileLlava(files, options)
  const name = sight.config.image_aspect_ratio === 'anyres' ? 'llava-next' : 'llava-1.5'
  const tiling = llavaTiling(sight.config, sight.tileSize)
  const template = conversationTemplate(llavaTemplate(files.source.name, sight.config.architectures[0]!))
  const stopIds = [tokenizer.eosId, tokenizer.idOf(stopText(template))].filter((id) => id !== undefined)
  return new VisualChat({
    ...reader,
    name,
    tokenizer,
    stopIds: [...new Set(stopIds)],
    stopTexts: [stopText(template)],
    tiling,
    encodeWork: ({ tileCount }) => addWork([vision.work({ N: 1 }), tileCount]),
    prepare: (conversation) => prepareLlava({ name, sight, tiling, template, tokenizer }, conversation),
  })
}

/** A LLaVA checkpoint with the vision tower that it was trained on. */
export interface AssembledLlava {
  readonly config: LlavaConfig
  readonly tower: ClipVisionConfig
  readonly decoder: Decoder
  readonly checkpoint: Checkpoint
}

/**
 * Finds and puts together what a LLaVA checkpoint needs: those of 1.5 name their vision tower and do not hold it.
 * @throws CheckpointError `companion-missing`, which says what to pull; `config-invalid`
 */
export async function assembleLlava(files: ModelFiles): Promise<AssembledLlava> {
  const where = `${files.source.name}/config.json`
  const config = parseConfig(llavaConfig, files.config, where)
  const languageConfig = {
    ...(files.config as object),
    architectures: config.architectures.map(languageArchitecture),
  }
  const decoder = decoderOf(languageConfig, where)
  const { checkpoint, sources } = await withCompanions(files, [
    {
      part: 'vision tower',
      field: 'mm_vision_tower',
      id: config.mm_vision_tower,
      from: 'vision_model.',
      to: `${llavaTower}.`,
    },
  ])
  const source = sources.get('vision tower')
  const tower = await clipTowerConfig(config.clip_vision_config, source, checkpoint, `${llavaTower}.`)
  return { config, tower, decoder, checkpoint }
}

/** The model without its tokenizer: what turns prepared conversations into logits. */
export async function compileLlava(
  files: ModelFiles,
  { compile, onEvent, visualCache }: OpenOptions,
): Promise<{ sight: LlavaSight; reader: PromptReaderParts; vision: Program }> {
  const { config, tower, decoder, checkpoint } = await assembleLlava(files)
  const unused = requireKeys(new Map(Object.entries(llavaShapes(config, tower, decoder))), checkpoint)
  const unread = unused.filter(({ pattern }) => !llavaUnread.test(pattern))
  if (unread.length > 0)
    onEvent?.({ phase: 'notice', message: `weights not used: ${unread.map((g) => g.pattern).join(', ')}` })
  const weights = new Weights(checkpoint)

  onEvent?.({ phase: 'loading', done: 0, total: 4, message: 'vision tower' })
  const pixels = input('pixels', 'f32', [dim('N'), 3, tower.image_size, tower.image_size])
  const vision = await Program.compile(
    'vision',
    { features: llavaVision(weights, pixels, config, tower) },
    compile,
  )
  const programs = await DecoderPrograms.compile(decoder, weights, {
    compile,
    onProgram: (done, total) =>
      onEvent?.({ phase: 'loading', done: done + 1, total: total + 1, message: 'language model' }),
  }).catch(async (error: unknown) => {
    await vision.dispose()
    throw error
  })
  const tokensPerTile = tokensPerLlavaTile(config, tower)
  const sight = { config, tileSize: tower.image_size, tokensPerTile, maxTokens: decoder.rope.maxPositions }
  const encode = llavaEncoder(sight, vision, await newlineOf(checkpoint), new VisualTokenCache(visualCache))
  return {
    sight,
    vision,
    reader: { programs, encoders: [vision], placeholderId: IMAGE_ID, padId: 0, encode },
  }
}

/** Tiles → tokens of each picture in the order of `mm_patch_merge_type`. */
function llavaEncoder(
  { config, tokensPerTile }: LlavaSight,
  vision: Program,
  newline: Float32Array,
  visualTokens: VisualTokenCache,
) {
  return async (prepared: PreparedConversation, run: RunOptions): Promise<HostTensor<'f32'>> => {
    const features = await encodeTiles(
      prepared,
      async (tile) => (await vision.run({ pixels: tile })).features as HostTensor<'f32'>,
      run,
      { cache: visualTokens },
    )
    const plans = prepared.pictures.map(({ plan }) => plan)
    const order = picturesTokens(plans, tokensPerTile, config.mm_patch_merge_type).flat()
    return orderTokens(features, order, newline)
  }
}

async function newlineOf(checkpoint: Checkpoint): Promise<Float32Array> {
  const key = 'model.image_newline'
  return checkpoint.has(key) ? toFloat32(await checkpoint.entry(key).read()).data : new Float32Array(0)
}

/**
 * The template by the model's name, as the official command line chooses it, but for `vicuna_v1` where that takes
 * `llava_v1` for its name alone: the weights were trained, and their published results made, with the former.
 */
export function llavaTemplate(modelName: string, architecture: string): string {
  const name = modelName.toLowerCase()
  if (name.includes('llama-2')) return 'llava_llama_2'
  if (name.includes('mistral') || architecture.includes('Mistral')) return 'mistral_instruct'
  if (name.includes('v1.6-34b')) return 'chatml_direct'
  if (name.includes('mpt') || architecture.includes('Mpt')) return 'mpt'
  return name.includes('v0') ? 'llava_v0' : 'vicuna_v1'
}
