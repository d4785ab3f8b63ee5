import { Dice } from '../../data/synthetic/dice.ts'
import type { Decoder } from '../../decoders/decoder.ts'
import { dim } from '../../graph/dim.ts'
import { input } from '../../graph/tensor.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import type { ModelFiles } from '../../systems/model-files.ts'
import { InputError } from '../../tensor/errors.ts'
import { joinFloats } from '../../tensor/join-floats.ts'
import { f32, type HostTensor, zeros } from '../../tensor/tensor.ts'
import { labelConversation, withPlaceholder } from '../../text/labels.ts'
import type { ConversationTemplate } from '../../text/templates.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { collateRows, joinTiles } from '../collate.ts'
import { shownFeeds } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import type { PlanSample } from '../tilings.ts'
import { cellCode } from './code.ts'
import { doubtedCodes } from './doubt.ts'
import { namedTokens } from './naming.ts'
import { NOWHERE, PLACES } from './places.ts'
import { type PointedRow, pointedLoss, pointedPlaces, pointingFeeds } from './pointing.ts'
import { seenCells } from './seen.ts'
import { thinned } from './thin.ts'

interface CodedSample extends PointedRow {
  /** [R, H]; without rows in a sample of text. */
  readonly shown: HostTensor<'f32'>
}

export interface CodedText {
  readonly tokenizer: Tokenizer
  readonly template: ConversationTemplate
  readonly contextId: number
  readonly maxLength: number
  /** To measure: the exact codes of all visual tokens; to learn, codes in doubt (`doubtedCodes`) of some (`thinned`). */
  readonly isExact?: boolean
}

/**
 * The decoder learns to answer from the codes of what pictures would show: nothing is drawn, nothing encoded, so that it sees ten
 * times as many documents in a time.
 */
export function cellsTask(
  { checkpoint }: ModelFiles,
  config: InternVlConfig,
  decoder: Decoder,
  plan: PlanSample,
  { tokenizer, template, contextId, maxLength, isExact = false }: CodedText,
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
      const shown = layout && seenCells(layout, plan(layout, record), code.side, record.conversations)
      const labelled = labelConversation(
        template,
        shown ? withPlaceholder(shown.conversations) : record.conversations,
        tokenizer,
        { pictureTokens: shown ? [shown.cells.contents.length / PLACES] : [], maxLength },
      )
      const cells = shown?.cells ?? { contents: new Uint16Array(), starts: new Uint8Array() }
      const pointed = pointedPlaces(labelled, shown?.read ?? [], tokenizer, contextId)
      const dice = new Dice(0, `${record.images[0]}/doubt`)
      const named = shown
        ? namedTokens(labelled, shown, tokenizer, contextId)
        : labelled.inputIds.map(() => NOWHERE)
      const whole = { ...labelled, pointed, named }
      const row = isExact
        ? { ...whole, shownTokens: [...Array(cells.contents.length / PLACES).keys()] }
        : thinned(whole, cells.contents, code.side ** 2, dice, contextId)
      return {
        tokens: row.inputIds.length,
        finish() {
          const coded = isExact ? code.of(cells) : doubtedCodes(code, cells, dice)
          const rows = row.shownTokens.map((token) => coded.subarray(token * width, (token + 1) * width))
          return { ...row, shown: f32([rows.length, width], joinFloats(rows)) }
        },
      }
    },
    feeds(samples) {
      const shown = joinTiles(samples.map((sample) => sample.shown))
      const rows = shown.shape[0]!
      const texts = collateRows(samples)
      const feeds = {
        ...shownFeeds(texts, [...Array(rows).keys()], decoder, contextId),
        ...pointingFeeds(samples, texts),
      }
      // A batch of text has one row that nothing points at.
      return { ...feeds, shown: rows > 0 ? shown : zeros('f32', [1, width]) }
    },
  }
}
