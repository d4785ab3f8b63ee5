import { Dice } from '../../data/synthetic/dice.ts'
import type { Decoder } from '../../decoders/decoder.ts'
import { dim } from '../../graph/dim.ts'
import { input } from '../../graph/tensor.ts'
import type { Size } from '../../image/rgb-image.ts'
import { type InternVlConfig, tokensPerTile } from '../../systems/internvl-config.ts'
import type { ModelFiles } from '../../systems/model-files.ts'
import { InputError } from '../../tensor/errors.ts'
import { f32, type HostTensor, zeros } from '../../tensor/tensor.ts'
import { labelConversation, withPlaceholder } from '../../text/labels.ts'
import type { ConversationTemplate } from '../../text/templates.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { TilePlan } from '../../tiling/plan.ts'
import { collateRows, joinTiles } from '../collate.ts'
import { shownFeeds } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import { cellCode } from './code.ts'
import { doubtedCodes } from './doubt.ts'
import { PLACES } from './places.ts'
import { type PointedRow, pointedLoss, pointedPlaces, pointingFeeds } from './pointing.ts'
import { seenCells } from './seen.ts'

interface CodedSample extends PointedRow {
  /** [tiles · tokens of a tile, H]; of no tile in a sample of text. */
  readonly shown: HostTensor<'f32'>
}

export interface CodedText {
  readonly tokenizer: Tokenizer
  readonly template: ConversationTemplate
  readonly contextId: number
  readonly maxLength: number
}

/**
 * The decoder learns to answer from the codes of what pictures would show: nothing is drawn, nothing encoded, so that it sees ten
 * times as many documents in a time.
 */
export function cellsTask(
  { checkpoint }: ModelFiles,
  config: InternVlConfig,
  decoder: Decoder,
  plan: (size: Size) => TilePlan,
  { tokenizer, template, contextId, maxLength }: CodedText,
): TrainingTask<CodedSample> {
  const code = cellCode(config, decoder)
  const { width } = code
  return {
    checkpoint,
    loss: (w) => pointedLoss(w.at('language_model'), decoder, input('shown', 'f32', [dim('R'), width])),
    draft({ record, layouts }) {
      if (record.images.length !== (layouts?.length ?? 0))
        throw new InputError(
          'pictures-unknown',
          'Cells can be shown of drawn pictures only: which letters stand where is known of no other. Name synthetic data.',
        )
      const [layout] = layouts ?? []
      const shown = layout && seenCells(layout, plan(layout), code.side, record.conversations)
      const labelled = labelConversation(
        template,
        shown ? withPlaceholder(shown.conversations) : record.conversations,
        tokenizer,
        { pictureTokens: shown ? [shown.contents.length / PLACES] : [], maxLength },
      )
      return {
        tokens: labelled.inputIds.length,
        finish() {
          const dice = new Dice(0, `${record.images[0]}/doubt`)
          const coded = doubtedCodes(code, shown?.contents ?? new Uint16Array(), dice)
          const pointed = pointedPlaces(labelled, shown?.read ?? [], tokenizer, contextId)
          return { ...labelled, pointed, shown: f32([coded.length / width, width], coded) }
        },
      }
    },
    feeds(samples) {
      const shown = joinTiles(samples.map((sample) => sample.shown))
      const rows = shown.shape[0]!
      const imageFlags = Array<number>(rows / tokensPerTile(config)).fill(1)
      const texts = collateRows(samples)
      const feeds = {
        ...shownFeeds({ ...texts, imageFlags }, config, decoder, contextId),
        ...pointingFeeds(samples, texts),
      }
      // A batch of text has one row that nothing points at.
      return { ...feeds, shown: rows > 0 ? shown : zeros('f32', [1, width]) }
    },
  }
}
