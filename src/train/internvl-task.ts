import { requireKeys } from '../checkpoint/check.ts'
import { parseConfig } from '../checkpoint/config.ts'
import { decoderOf } from '../decoders/registry.ts'
import { normalisations } from '../image/normalise.ts'
import { filledImage, type RgbImage, type Size } from '../image/rgb-image.ts'
import {
  internVlConfig,
  internVlShapes,
  s2Tiling,
  tilesPerMap,
  tokensPerTile,
} from '../systems/internvl-config.ts'
import { internVl2Variant } from '../systems/internvl2.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { InputError } from '../tensor/errors.ts'
import { labelConversation, withPlaceholder } from '../text/labels.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { PICTURE_TOKENS } from '../text/picture-tokens.ts'
import { conversationTemplate } from '../text/templates.ts'
import { requiredTokenId } from '../text/tokenizer.ts'
import { type TilesToNormalise, tilesToNormalise } from '../tiling/pixel-values.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { planTiles, type TilingOptions } from '../tiling/tiling.ts'
import { cellsTask } from './cells/decoder-task.ts'
import { readingTask } from './cells/joint-task.ts'
import { teachesCells } from './cells/labels.ts'
import { cellReadingTask } from './cells/vision-task.ts'
import { collate, joinTiles, type Sample } from './collate.ts'
import { internVlFeeds, internVlLoss } from './internvl-training.ts'
import type { SampleOptions, TrainingTask } from './task.ts'
import { allTilings, type PlanSample, tilingOf } from './tilings.ts'

/** Training of InternVL2 and Mini-Monkey checkpoints. Source: InternVL, `internvl_chat_finetune.py`. */
export async function openInternVlTask(files: ModelFiles, options: SampleOptions): Promise<TrainingTask> {
  const where = `${files.source.name}/config.json`
  const config = parseConfig(internVlConfig, files.config, where)
  const decoder = decoderOf(config.llm_config, `${where} (llm_config)`)
  // Gathers and products of wrong sizes might still be traced, and train what can never be loaded.
  requireKeys(new Map(Object.entries(internVlShapes(config, decoder))), files.checkpoint)
  const tokenizer = await loadTokenizer(files.source)
  const template = conversationTemplate(config.template)
  const contextId = requiredTokenId(tokenizer, PICTURE_TOKENS.context)
  const isMonkey = config.architectures?.[0] === 'MiniMonkeyChatModel'
  const published: TilingOptions = isMonkey
    ? { strategy: 'msac', preset: 'training' }
    : internVl2Variant.tiling(config)
  const s2 = s2Tiling(config)
  if (
    options.tiling &&
    allTilings(options.tiling).some(({ strategy }) => (strategy === 's2') !== (s2 !== undefined))
  )
    throw new InputError(
      'tiling-needs-projector',
      s2
        ? `${files.source.name} has a projector for S2, which no other tiling fits. Leave the stage's tiling out.`
        : 'S2 joins its scales along channels, for which the projector is too narrow here: its config.json has no s2_scales.',
    )
  const tilings = s2 ?? options.tiling ?? published
  const plan = (size: Size, tiling: TilingOptions): TilePlan =>
    planTiles(size, s2 ?? { ...tiling, tileSize: config.tileSize })
  const cut = (image: RgbImage, tiling: TilingOptions): TilesToNormalise =>
    tilesToNormalise(image, plan(image, tiling), normalisations.imagenet)
  // A text-only sample carries one white tile that no placeholder stands for.
  const blank = cut(filledImage(224, 224, [255, 255, 255]), { strategy: 'single' })
  if (options.labels === 'caption')
    throw new InputError(
      'option-without-effect',
      'Captions without questions are LLaVA’s first stage; InternVL learns conversations only. Leave labels out.',
      { option: 'labels' },
    )
  const planned: PlanSample = (size, record) => plan(size, tilingOf(tilings, record))
  if (s2 && (teachesCells(options.labels) || options.pictures === 'cells'))
    throw new InputError(
      'cells-need-tiles',
      'Cells are those of single tiles, and S2 joins several. Leave cells out, or take a model without s2_scales.',
    )
  if (options.labels === 'cells') return cellReadingTask(files, config, decoder, planned)
  if (options.pictures === 'cells') {
    const { maxLength } = options
    return cellsTask(files, config, decoder, planned, { tokenizer, template, contextId, maxLength })
  }
  const answers: TrainingTask<Sample> = {
    checkpoint: files.checkpoint,
    loss: (w) => internVlLoss(w, config, decoder),
    draft({ record, pictures }) {
      const tiling = tilingOf(tilings, record)
      const parts = pictures.map((image) => cut(image, shared(tiling, pictures.length)))
      const hasPictures = parts.length > 0
      const labelled = labelConversation(
        template,
        hasPictures ? withPlaceholder(record.conversations) : record.conversations,
        tokenizer,
        {
          pictureTokens: parts.map(({ tiles }) => (tiles / tilesPerMap(config)) * tokensPerTile(config)),
          maxLength: options.maxLength,
        },
      )
      return {
        tokens: labelled.inputIds.length,
        finish: () => {
          const pixels = joinTiles((hasPictures ? parts : [blank]).map((part) => part.pixels()))
          return { ...labelled, pixels, hasPictures }
        },
      }
    },
    feeds(samples: readonly Sample[]) {
      const joined = collate(samples)
      // The blank of one sample serves a batch without pictures, where the official code encodes one for each.
      const isText = samples.every(({ hasPictures }) => !hasPictures)
      const { pixels } = samples[0]!
      const shown = isText
        ? { ...joined, pixels, imageFlags: joined.imageFlags.slice(0, pixels.shape[0]) }
        : joined
      return internVlFeeds(shown, config, decoder, contextId)
    },
  }
  return options.labels === 'conversation-and-cells'
    ? readingTask(answers, config, decoder, planned, { tokenizer, contextId })
    : answers
}

/** Several pictures share the most tiles that one may have. */
function shared(tiling: TilingOptions, pictures: number): TilingOptions {
  if (tiling.strategy !== 'dynamic' || tiling.maxTiles === undefined) return tiling
  return { ...tiling, maxTiles: Math.max(tiling.minTiles ?? 1, Math.floor(tiling.maxTiles / pictures)) }
}
