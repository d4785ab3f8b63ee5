import { Dice } from '../../data/synthetic/dice.ts'
import type { Decoder } from '../../decoders/decoder.ts'
import { normalisations } from '../../image/normalise.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import type { ModelFiles } from '../../systems/model-files.ts'
import { InputError } from '../../tensor/errors.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import { pixelValuesInTurns } from '../../tiling/pixel-values.ts'
import { joinTiles } from '../collate.ts'
import { visualTokens } from '../internvl-training.ts'
import type { Layout } from '../sample-source.ts'
import type { TrainingTask } from '../task.ts'
import type { PlanSample } from '../tilings.ts'
import { cellCode } from './code.ts'
import { cellContents, ILLEGIBLE } from './contents.ts'
import { cellsFeeds, cellsLoss } from './loss.ts'
import { type TileContents, tileContents } from './other-places.ts'

/** Tiles of a picture that are taken: others of another picture teach more. */
const MOST_TILES = 3

interface ReadTiles {
  readonly pixels: HostTensor<'f32'>
  readonly tiles: readonly TileContents[]
}

/**
 * The encoder and projector learn which letters each visual token shows, by the code of which each channel is known: tens
 * of labels a token, where an answer has some letters for a whole picture.
 */
export function cellReadingTask(
  { checkpoint }: ModelFiles,
  config: InternVlConfig,
  decoder: Decoder,
  plan: PlanSample,
): TrainingTask<ReadTiles> {
  const code = cellCode(config, decoder)
  return {
    checkpoint,
    loss: (w) => cellsLoss(visualTokens(w, config), code),
    draft({ record, pictures, layouts }) {
      const [picture] = pictures
      const layout = drawnLayout(layouts)
      if (!picture) throw labelsUnknown()
      const tiling = plan(layout, record)
      const tiles = tileContents(layout, tiling, code.side, cellContents(layout, tiling, code.side))
      const dice = new Dice(0, `${record.images[0]}/tiles`)
      const chosen = weightedSample(tiles.map(lettersOf), MOST_TILES, dice)
      const cut = pixelValuesInTurns(picture, tiling, normalisations.imagenet)
      return {
        tokens: chosen.length * code.side ** 2,
        finish: async () => ({
          pixels: joinTiles(await Promise.all(chosen.map(cut))),
          tiles: chosen.map((tile) => tiles[tile]!),
        }),
      }
    },
    feeds: (samples) => ({
      pixels: joinTiles(samples.map(({ pixels }) => pixels)),
      ...cellsFeeds(samples.flatMap(({ tiles }) => tiles)),
    }),
  }
}

/** The layout of a drawn picture. @throws InputError `labels-unknown` for any other */
export function drawnLayout(layouts: readonly Layout[] = []): Layout {
  if (layouts.length !== 1) throw labelsUnknown()
  return layouts[0]!
}

function labelsUnknown(): InputError {
  return new InputError(
    'labels-unknown',
    'Labels of cells come from drawn pictures: which letters stand where is known of no other. Name synthetic data.',
  )
}

function lettersOf({ contents }: TileContents): number {
  return contents.reduce((count, content) => count + Number(content > ILLEGIBLE), 0)
}

/**
 * Tiles by chance, each as likely to be the first as it has letters: what is full teaches most in a time, and of what is
 * empty there is enough between lines. One without letters counts as a letter. Source: Efraimidis and Spirakis, "Weighted
 * random sampling with a reservoir" (2006).
 */
function weightedSample(letters: readonly number[], count: number, dice: Dice): number[] {
  const keys = letters.map((weight) => Math.log(dice.random()) / Math.max(1, weight))
  return [...keys.keys()].sort((a, b) => keys[b]! - keys[a]!).slice(0, count)
}
