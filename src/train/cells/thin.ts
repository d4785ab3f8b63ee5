import type { Dice } from '../../data/synthetic/dice.ts'
import { ILLEGIBLE } from './contents.ts'
import { NOWHERE, PLACES } from './places.ts'
import type { PointedRow } from './pointing.ts'

/** Of visual tokens in which nothing can be read, the share that stays: of a tile of them all or none. */
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
 * @param perTile visual tokens of a tile
 */
export function thinned<T extends PointedRow>(
  row: T,
  contents: Uint16Array,
  perTile: number,
  dice: Dice,
  contextId: number,
): T & ThinnedRow {
  const isKept = keptTokens(contents, perTile, dice.chance(WHOLE) ? 1 : KEPT, dice)
  const shownTokens: number[] = []
  const positions: number[] = []
  const placeIn = new Map<number, number>()
  let token = 0
  for (const [place, id] of row.inputIds.entries()) {
    if (id === contextId) {
      const shown = token++
      if (!isKept[shown]) continue
      shownTokens.push(shown)
    }
    placeIn.set(place, positions.length)
    positions.push(place)
  }
  const moved = (look: number): number =>
    look === NOWHERE ? NOWHERE : placeIn.get(Math.floor(look / PLACES))! * PLACES + (look % PLACES)
  const movedToken = (place: number): number => (place === NOWHERE ? NOWHERE : placeIn.get(place)!)
  const at = <V>(values: readonly V[]): V[] => positions.map((place) => values[place]!)
  return {
    ...row,
    ...{ inputIds: at(row.inputIds), labels: at(row.labels) },
    ...{ pointed: at(row.pointed).map(moved), named: at(row.named).map(movedToken) },
    ...{ positions, shownTokens },
  }
}

/** Of each visual token whether it stays: in which something can be read, and a share of the others. */
function keptTokens(contents: Uint16Array, perTile: number, share: number, dice: Dice): boolean[] {
  const isReadable = Array.from({ length: contents.length / PLACES }, (_, token) =>
    contents.subarray(token * PLACES, (token + 1) * PLACES).some((content) => content > ILLEGIBLE),
  )
  return isReadable.flatMap((_, first) => {
    if (first % perTile !== 0) return []
    const tile = isReadable.slice(first, first + perTile)
    if (!tile.includes(true)) return tile.fill(dice.chance(share))
    return tile.map((readable) => readable || dice.chance(share))
  })
}
