import type { Dice } from '../../data/synthetic/dice.ts'
import { ILLEGIBLE } from './contents.ts'
import { NOWHERE, PLACES } from './places.ts'
import type { PointedRow } from './pointing.ts'

/** Of visual tokens in which nothing can be read, the share that stays. */
const KEPT = 0.2
/** The share of samples that keep all of theirs, as they are when a question is really asked. */
const WHOLE = 0.15

/** A sample of which some visual tokens are left out. */
export interface ThinnedRow extends PointedRow {
  /** Where each token stood in the whole sequence. */
  readonly positions: readonly number[]
  /** Which of the sample's visual tokens its placeholders stand for. */
  readonly shownTokens: readonly number[]
}

/**
 * A sample without most of the visual tokens in which nothing can be read; the others stay where they are. Of a document cut into
 * tiles most is paper, on which a decoder would spend most of its training.
 * @param contents what the visual tokens show, [R, PLACES]
 */
export function thinned<T extends PointedRow>(
  row: T,
  contents: Uint16Array,
  dice: Dice,
  contextId: number,
): T & ThinnedRow {
  const share = dice.chance(WHOLE) ? 1 : KEPT
  const shownTokens: number[] = []
  const positions: number[] = []
  const placeIn = new Map<number, number>()
  let token = 0
  for (const [place, id] of row.inputIds.entries()) {
    if (id === contextId) {
      const shown = contents.subarray(token * PLACES, (token + 1) * PLACES)
      if (shown.every((content) => content <= ILLEGIBLE) && !dice.chance(share)) {
        token++
        continue
      }
      shownTokens.push(token++)
    }
    placeIn.set(place, positions.length)
    positions.push(place)
  }
  const moved = (look: number): number =>
    look === NOWHERE ? NOWHERE : placeIn.get(Math.floor(look / PLACES))! * PLACES + (look % PLACES)
  const at = <V>(values: readonly V[]): V[] => positions.map((place) => values[place]!)
  return {
    ...row,
    ...{ inputIds: at(row.inputIds), labels: at(row.labels), pointed: at(row.pointed).map(moved) },
    ...{ positions, shownTokens },
  }
}
