import { normalisations } from '../image/normalise.ts'
import { llavaTiling, tokensPerLlavaTile } from '../systems/llava-config.ts'
import { assembleLlava, llavaTemplate } from '../systems/llava15.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { zeros } from '../tensor/tensor.ts'
import { withPlaceholder } from '../text/labels.ts'
import { labelCaption, labelLlava } from '../text/llava-labels.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { conversationTemplate } from '../text/templates.ts'
import { picturesTokens } from '../tiling/any-res-tokens.ts'
import { tilesToNormalise } from '../tiling/pixel-values.ts'
import { planTiles } from '../tiling/tiling.ts'
import { joinTiles } from './collate.ts'
import { type LlavaTrainingSample, llavaFeeds, llavaLoss, mergedLength } from './llava-training.ts'
import type { SampleOptions, TrainingTask } from './task.ts'
import { tilingOf } from './tilings.ts'

/** Training of LLaVA-1.5 and LLaVA-NeXT checkpoints. Source: LLaVA, `train.py`; golden cases `llava15-*`. */
export async function openLlavaTask(
  files: ModelFiles,
  options: SampleOptions,
): Promise<TrainingTask<LlavaTrainingSample>> {
  const { config, tower, decoder, checkpoint } = await assembleLlava(files)
  const tokenizer = await loadTokenizer(files.source)
  const template = conversationTemplate(llavaTemplate(files.source.name, config.architectures[0]!))
  const most = Math.min(options.maxLength, config.tokenizer_model_max_length ?? options.maxLength)
  const cut = { ...config, tokenizer_model_max_length: most }
  const tileSize = tower.image_size
  const tilings = options.tiling ?? llavaTiling(config, tileSize)
  // A text-only sample carries one picture of zeros that no placeholder stands for.
  const blank = zeros('f32', [1, 3, tileSize, tileSize])
  return {
    checkpoint,
    loss: (w) => llavaLoss(w, config, tower, decoder),
    draft({ record, pictures }) {
      const tiling = tilingOf(tilings, record)
      const plans = pictures.map((image) => planTiles(image, { ...tiling, tileSize }))
      const parts = pictures.map((image, i) => tilesToNormalise(image, plans[i]!, normalisations.clip))
      const conversation = pictures.length > 0 ? withPlaceholder(record.conversations) : record.conversations
      const { inputIds, labels } =
        options.labels === 'caption'
          ? labelCaption(conversation, tokenizer)
          : labelLlava(template, conversation, tokenizer, most)
      const orders = picturesTokens(plans, tokensPerLlavaTile(config, tower), config.mm_patch_merge_type)
      return {
        tokens: mergedLength({ inputIds, orders }, cut),
        finish: () => {
          const pixels = parts.length > 0 ? joinTiles(parts.map((part) => part.pixels())) : blank
          return { inputIds, labels, orders, pixels }
        },
      }
    },
    feeds: (samples) => llavaFeeds(samples, cut, tower, decoder),
  }
}
