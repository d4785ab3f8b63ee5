import type { Dice } from '../dice.ts'
import type { FontBook } from '../faces.ts'
import type { Asked } from '../kind.ts'
import type { Page } from '../page.ts'
import type { Scenery } from '../scenery.ts'
import type { Words } from '../words.ts'

/** A board that is drawn in its own coordinates, from its top left corner. */
export interface Board {
  readonly width: number
  readonly height: number
  readonly color: string
  readonly border: string | undefined
  readonly radius: number
  /** Where it may hang. */
  readonly scenery: readonly Scenery[]
  readonly isOnPole: boolean
  /** Writes on the board and asks. */
  readonly write: (page: Page) => readonly Asked[]
}

export type MakeBoard = (dice: Dice, words: Words, fonts: FontBook) => Board

export const walls: readonly Scenery[] = ['bricks', 'plaster', 'planks', 'metal']
