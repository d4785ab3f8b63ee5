import { Dice } from '../../data/synthetic/dice.ts'
import type { Decoder } from '../../decoders/decoder.ts'
import { add } from '../../graph/ops/index.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import { joinFloats } from '../../tensor/join-floats.ts'
import { f32 } from '../../tensor/tensor.ts'
import { collateRows, joinTiles, type Sample } from '../collate.ts'
import { inOneRow, shownFeeds, visualTokens } from '../internvl-training.ts'
import type { TrainingTask } from '../task.ts'
import type { PlanSample } from '../tilings.ts'
import { cellCode } from './code.ts'
import type { CodedText } from './decoder-task.ts'
import { cellsFeeds, cellsLoss } from './loss.ts'
import { namedTokens } from './naming.ts'
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
  const perTile = code.side ** 2
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
      const seen = seenCells(layout, tiling, code.side, drawn.record.conversations)
      const { conversations, read, cells } = seen
      const { tokens, finish } = answers.draft({ ...drawn, record: { ...drawn.record, conversations } })
      return {
        tokens,
        async finish() {
          const sample = await finish()
          const pointed = pointedPlaces(sample, read, tokenizer, contextId)
          const dice = new Dice(0, `${drawn.record.images[0]}/thin`)
          const named = namedTokens(sample, seen, tokenizer, contextId)
          const row = thinned({ ...sample, pointed, named }, cells.contents, perTile, dice, contextId)
          return encodedOnly({ sample: row, tiles: tileContents(layout, tiling, code.side, cells) }, perTile)
        },
      }
    },
    feeds(samples) {
      const rows = samples.map(({ sample }) => sample)
      const texts = collateRows(rows)
      let first = 0
      const shown = rows.flatMap(({ shownTokens, pixels }) => {
        const start = first
        first += pixels.shape[0]! * perTile
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

/** Without the tiles of which the decoder is shown nothing. */
function encodedOnly({ sample, tiles }: ReadSample, perTile: number): ReadSample {
  const tileOf = (token: number): number => Math.floor(token / perTile)
  const kept = [...new Set(sample.shownTokens.map(tileOf))]
  // The encoder cannot be given nothing.
  if (kept.length === 0) kept.push(0)
  const [, ...shape] = sample.pixels.shape
  const size = sample.pixels.data.length / tiles.length
  const pixels = joinFloats(kept.map((tile) => sample.pixels.data.subarray(tile * size, (tile + 1) * size)))
  const shownTokens = sample.shownTokens.map(
    (token) => kept.indexOf(tileOf(token)) * perTile + (token % perTile),
  )
  return {
    sample: { ...sample, pixels: f32([kept.length, ...shape], pixels), shownTokens },
    tiles: kept.map((tile) => tiles[tile]!),
  }
}
