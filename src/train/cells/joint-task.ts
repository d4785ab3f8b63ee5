import { Dice } from '../../data/synthetic/dice.ts'
import type { Decoder } from '../../decoders/decoder.ts'
import { add } from '../../graph/ops/index.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import { collateRows, joinTiles, type Sample } from '../collate.ts'
import { inOneRow, shownFeeds, visualTokens } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import type { PlanSample } from '../tilings.ts'
import { cellCode } from './code.ts'
import type { CodedText } from './decoder-task.ts'
import { cellsFeeds, cellsLoss } from './loss.ts'
import { type TileContents, tileContents } from './other-places.ts'
import { pointedLoss, pointedPlaces, pointingFeeds } from './pointing.ts'
import { seenCells } from './seen.ts'
import { type ThinnedRow, thinned } from './thin.ts'
import { drawnLayout } from './vision-task.ts'

interface ReadSample {
  readonly sample: Sample & ThinnedRow
  readonly tiles: readonly TileContents[]
}

/**
 * Answers are learned, and from the same run of the encoder what each visual token shows: it goes on learning from tens of
 * labels a token while the decoder learns to read what it really makes of pixels.
 * @param answers the task that learns the answers alone
 */
export function readingTask(
  answers: TrainingTask<Sample>,
  config: InternVlConfig,
  decoder: Decoder,
  plan: PlanSample,
  { tokenizer, contextId }: Pick<CodedText, 'tokenizer' | 'contextId'>,
): TrainingTask<ReadSample> {
  const code = cellCode(config, decoder)
  return {
    checkpoint: answers.checkpoint,
    loss(w) {
      const features = visualTokens(w, config)
      const reading = pointedLoss(w.at('language_model'), decoder, inOneRow(features))
      return add(reading, cellsLoss(features, code))
    },
    draft(drawn) {
      const layout = drawnLayout(drawn.layouts)
      const tiling = plan(layout, drawn.record)
      const { conversations, read, cells } = seenCells(layout, tiling, code.side, drawn.record.conversations)
      const { tokens, finish } = answers.draft({ ...drawn, record: { ...drawn.record, conversations } })
      return {
        tokens,
        async finish() {
          const sample = await finish()
          const pointed = pointedPlaces(sample, read, tokenizer, contextId)
          const dice = new Dice(0, `${drawn.record.images[0]}/thin`)
          return {
            sample: thinned({ ...sample, pointed }, cells.contents, dice, contextId),
            tiles: tileContents(layout, tiling, code.side, cells),
          }
        },
      }
    },
    feeds(samples) {
      const rows = samples.map(({ sample }) => sample)
      const texts = collateRows(rows)
      let first = 0
      const shown = rows.flatMap(({ shownTokens, pixels }) => {
        const start = first
        first += pixels.shape[0]! * code.side ** 2
        return shownTokens.map((token) => start + token)
      })
      return {
        pixels: joinTiles(rows.map(({ pixels }) => pixels)),
        ...shownFeeds(texts, shown, decoder, contextId),
        ...pointingFeeds(rows, texts),
        ...cellsFeeds(samples.flatMap(({ tiles }) => tiles)),
      }
    },
  }
}
