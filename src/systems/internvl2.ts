import { requireKeys } from '../checkpoint/check.ts'
import { parseConfig } from '../checkpoint/config.ts'
import { DecoderPrograms } from '../decoders/programs.ts'
import { decoderOf } from '../decoders/registry.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { addWork } from '../graph/work.ts'
import { Program } from '../runtime/program.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { PICTURE_PLACEHOLDER, PICTURE_TOKENS } from '../text/picture-tokens.ts'
import { conversationTemplate, stopText } from '../text/templates.ts'
import { requiredTokenId } from '../text/tokenizer.ts'
import { compileParts } from './compile-parts.ts'
import { encodeTiles } from './encode-tiles.ts'
import {
  internVlConfig,
  internVlShapes,
  pixelShape,
  s2Tiling,
  tilesPerMap,
  tokensPerTile,
} from './internvl-config.ts'
import { type InternVlVariant, prepareInternVl } from './internvl-prepare.ts'
import { internVlVision } from './internvl-vision.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import { compressedLength, compressScales } from './scale-compression.ts'
import type { PreparedConversation, RunOptions, System, VisualLayout } from './system.ts'
import { VisualChat } from './visual-chat.ts'
import { VisualTokenCache } from './visual-token-cache.ts'

export const internVl2Variant: InternVlVariant = {
  name: 'internvl2',
  tiling: (config) =>
    config.dynamic_image_size
      ? {
          strategy: 'dynamic',
          minTiles: config.min_dynamic_patch,
          maxTiles: config.max_dynamic_patch,
          usesThumbnail: config.use_thumbnail,
        }
      : { strategy: 'single' },
  severalPictures: (count, first) =>
    Array.from({ length: count }, (_, i) => `Image-${first + i}: ${PICTURE_PLACEHOLDER}\n`).join(''),
  canCompress: false,
}

/** InternVL 1.5 and InternVL2: tiles → InternViT → pixel shuffle and MLP → placeholders of the prompt → decoder. */
export function openInternVl2(files: ModelFiles, options: OpenOptions): Promise<System> {
  return openInternVl(files, options, internVl2Variant)
}

/** Loads a checkpoint in InternVL's layout. @throws CheckpointError, EngineError */
export async function openInternVl(
  files: ModelFiles,
  { compile, onEvent, visualCache }: OpenOptions,
  variant: InternVlVariant,
): Promise<System> {
  const where = `${files.source.name}/config.json`
  const config = parseConfig(internVlConfig, files.config, where)
  const decoder = decoderOf(config.llm_config, `${where} (llm_config)`)
  const unused = requireKeys(new Map(Object.entries(internVlShapes(config, decoder))), files.checkpoint)
  if (unused.length > 0)
    onEvent?.({ phase: 'notice', message: `weights not used: ${unused.map((g) => g.pattern).join(', ')}` })
  const tokenizer = await loadTokenizer(files.source)
  const template = conversationTemplate(config.template)
  const contextId = requiredTokenId(tokenizer, PICTURE_TOKENS.context)
  const stopIds = [requiredTokenId(tokenizer, stopText(template))]
  const weights = new Weights(files.checkpoint)

  onEvent?.({ phase: 'loading', done: 0, total: 4, message: 'vision tower' })
  const pixels = input('pixels', 'f32', pixelShape(config, dim('N')))
  const [vision, programs] = await compileParts(
    compile,
    async () => {
      await ownTurn() // a tower of many blocks takes milliseconds to trace
      return Program.compile('vision', { features: internVlVision(weights, pixels, config) }, compile)
    },
    () =>
      DecoderPrograms.compile(decoder, weights.at('language_model'), {
        compile,
        // Compression looks into the second block, so the chain is cut behind it: the pre-pass runs no further.
        ...(variant.canCompress && decoder.layers > 2 && { cuts: [2] }),
        ...(variant.canCompress && decoder.layers >= 2 && { observed: 1 }),
        onProgram: (done, total) =>
          onEvent?.({ phase: 'loading', done: done + 1, total: total + 1, message: 'language model' }),
      }),
  )
  const visualTokens = new VisualTokenCache(visualCache)
  return new VisualChat({
    name: variant.name,
    tokenizer,
    stopIds,
    stopTexts: [stopText(template)],
    tiling: s2Tiling(config) ?? variant.tiling(config),
    programs,
    encoders: [vision],
    placeholderId: contextId,
    padId: tokenizer.padId ?? 0,
    prepare: (conversation) =>
      prepareInternVl({ variant, config, template, tokenizer, contextId }, conversation),
    encode: (prepared, run) =>
      encodeTiles(
        prepared,
        async ({ data }) => {
          const shaped = hostTensor('f32', pixelShape(config, 1), data)
          return (await vision.run({ pixels: shaped })).features as HostTensor<'f32'>
        },
        run,
        { cache: visualTokens, tilesPerRun: tilesPerMap(config) },
      ),
    encodeWork: ({ tileCount }) => addWork([vision.work({ N: 1 }), tileCount / tilesPerMap(config)]),
    ...(variant.canCompress && {
      compress: compression(programs, tokensPerTile(config)),
      compressedLength: (prepared) =>
        compressedLength(
          prepared.layout.promptLength,
          detailedTokens(prepared, tokensPerTile(config)),
          prepared.compression!,
        ),
    }),
  })
}

/** Keeps of the first picture's detailed tiles what scale compression chooses; a prompt without pictures stays whole. */
function compression(programs: DecoderPrograms, perTile: number) {
  return async (
    { layout, pictures, compression: options }: PreparedConversation,
    embeddings: HostTensor<'f32'>,
    run: RunOptions,
  ): Promise<VisualLayout> => {
    if (!options || layout.spans.length === 0) return layout
    const high = detailedTokens({ pictures }, perTile)
    const first = layout.spans[0]!.start
    const { keptPositions } = await compressScales(programs, embeddings, first, high, options, run)
    return { ...layout, keptPositions }
  }
}

/** Visual tokens of the first picture's detailed tiles. */
function detailedTokens({ pictures }: Pick<PreparedConversation, 'pictures'>, perTile: number): number {
  const grid = pictures[0]!.plan.detailedGrid!
  return grid.columns * grid.rows * perTile
}
