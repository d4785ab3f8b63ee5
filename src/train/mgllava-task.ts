import { sampledFrames } from '../systems/mgllava-frames.ts'
import { assembleMgLlava, languageTemplate } from '../systems/mgllava-parts.ts'
import { frameViews, type MgLlavaSight, pictureView, VIDEO_PLACEHOLDER } from '../systems/mgllava-prepare.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { zeros } from '../tensor/tensor.ts'
import { withPlaceholder } from '../text/labels.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { PICTURE_PLACEHOLDER } from '../text/picture-tokens.ts'
import { labelTurns } from '../text/turn-labels.ts'
import {
  type MgLlavaTrainingSample,
  mergedLength,
  mgLlavaLoss,
  mgLlavaTrainingFeeds,
} from './mgllava-training.ts'
import type { RecipeSample } from './sample-source.ts'
import type { SampleOptions, TrainingTask } from './task.ts'

/** A text within this of the longest leaves room for one object of each label. */
const closeToLongest = 50

/**
 * Training of MG-LLaVA checkpoints: `mgLlavaStages` are its two stages. A sample brings the objects of its pictures.
 * Source: MG-LLaVA, `mg_llava_dataset.py`; golden cases `mgllava-tiny-image`, `mgllava-labels`.
 */
export async function openMgLlavaTask(
  files: ModelFiles,
  options: SampleOptions,
): Promise<TrainingTask<MgLlavaTrainingSample>> {
  const model = await assembleMgLlava(files)
  const tokenizer = await loadTokenizer(model.tokenizerSource)
  const template = languageTemplate(model)
  const { config, tower } = model
  const tokensPerPicture = Math.floor(tower.image_size / tower.patch_size) ** 2
  const sight: MgLlavaSight = {
    config,
    highSide: config.image_size_aux,
    lowSide: tower.image_size,
    tokensPerPicture,
  }
  const longestText = Math.max(1, options.maxLength - tokensPerPicture)
  const sampleOf = ({ record, pictures }: RecipeSample): MgLlavaTrainingSample => {
    const isVideo = record.conversations.some(({ value }) => value.includes(VIDEO_PLACEHOLDER))
    // A video has a picture's placeholder: both stand for all views of the sample.
    const written = record.conversations.map((message) => ({
      ...message,
      value: message.value.replaceAll(VIDEO_PLACEHOLDER, PICTURE_PLACEHOLDER),
    }))
    const conversation = pictures.length > 0 ? withPlaceholder(written) : written
    const labelled = labelTurns(template, conversation, tokenizer, longestText)
    const isTextLong = labelled.inputIds.length >= longestText - closeToLongest
    const named = pictures.map((image, i) => ({ name: record.images[i]!, image }))
    const boxes = pictures.map((_, i) => record.objects?.[i] ?? [])
    if (pictures.length === 0) return { ...labelled, views: [blankView(sight)] }
    if (!isVideo)
      return {
        ...labelled,
        views: named.map((picture, i) => pictureView(sight, picture, boxes[i]!, isTextLong)),
      }
    const frames = sampledFrames(named.length, config.num_frames)
    const views = frameViews(
      sight,
      frames.map((frame) => named[frame]!),
      frames.map((frame) => boxes[frame]!),
    )
    return { ...labelled, views }
  }
  return {
    checkpoint: model.checkpoint,
    loss: (w) => mgLlavaLoss(w, model),
    draft(sample) {
      const made = sampleOf(sample)
      return { tokens: mergedLength(made, tokensPerPicture), finish: () => made }
    },
    feeds: (samples) => mgLlavaTrainingFeeds(samples, model),
  }
}

/** What a text without pictures brings to both encoders: nothing in both sizes, and one box. Nothing refers to it. */
export function blankView({ highSide, lowSide }: MgLlavaSight): MgLlavaTrainingSample['views'][number] {
  return {
    objects: { boxes: [[0, 0, 100, 100]], labels: [] },
    pixels: () => ({
      high: zeros('f32', [1, 3, highSide, highSide]),
      low: zeros('f32', [1, 3, lowSide, lowSide]),
    }),
  }
}
