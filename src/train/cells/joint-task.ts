import type { Decoder } from '../../decoders/decoder.ts'
import { add } from '../../graph/ops/index.ts'
import type { Size } from '../../image/rgb-image.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import type { TilePlan } from '../../tiling/plan.ts'
import type { Sample } from '../collate.ts'
import { answerLoss, visualTokens } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import { cellCode } from './code.ts'
import { tileContents } from './contents.ts'
import { cellsFeeds, cellsLoss } from './loss.ts'
import { drawnLayout } from './vision-task.ts'

interface ReadSample {
  readonly sample: Sample
  /** Of each tile. */
  readonly contents: readonly Uint16Array[]
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
): TrainingTask<ReadSample> {
  const code = cellCode(config, decoder)
  return {
    checkpoint: answers.checkpoint,
    loss(w) {
      const features = visualTokens(w, config)
      return add(answerLoss(w, decoder, features), cellsLoss(features, code))
    },
    draft(drawn) {
      const layout = drawnLayout(drawn.layouts)
      const { tokens, finish } = answers.draft(drawn)
      const contents = tileContents(layout, plan(layout), code.side)
      return { tokens, finish: async () => ({ sample: await finish(), contents }) }
    },
    feeds: (samples) => ({
      ...answers.feeds(samples.map(({ sample }) => sample)),
      ...cellsFeeds(samples.flatMap(({ contents }) => contents)),
    }),
  }
}
