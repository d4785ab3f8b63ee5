import type { Decoder } from '../../decoders/decoder.ts'
import { add } from '../../graph/ops/index.ts'
import type { Size } from '../../image/rgb-image.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import type { TilePlan } from '../../tiling/plan.ts'
import { collateRows, type Sample } from '../collate.ts'
import { inOneRow, visualTokens } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import { cellCode } from './code.ts'
import type { CodedText } from './decoder-task.ts'
import { cellsFeeds, cellsLoss } from './loss.ts'
import { type TileContents, tileContents } from './other-places.ts'
import { type PointedRow, pointedLoss, pointedPlaces, pointingFeeds } from './pointing.ts'
import { seenCells } from './seen.ts'
import { drawnLayout } from './vision-task.ts'

interface ReadSample {
  readonly sample: Sample & PointedRow
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
  plan: (size: Size) => TilePlan,
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
      const tiling = plan(layout)
      const { conversations, read, contents } = seenCells(
        layout,
        tiling,
        code.side,
        drawn.record.conversations,
      )
      const { tokens, finish } = answers.draft({ ...drawn, record: { ...drawn.record, conversations } })
      return {
        tokens,
        async finish() {
          const sample = await finish()
          const pointed = pointedPlaces(sample, read, tokenizer, contextId)
          return { sample: { ...sample, pointed }, tiles: tileContents(layout, tiling, code.side, contents) }
        },
      }
    },
    feeds(samples) {
      const rows = samples.map(({ sample }) => sample)
      return {
        ...answers.feeds(rows),
        ...pointingFeeds(rows, collateRows(rows)),
        ...cellsFeeds(samples.flatMap(({ tiles }) => tiles)),
      }
    },
  }
}
