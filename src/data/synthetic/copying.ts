import { Dice } from './dice.ts'
import type { Turn } from './series.ts'

/** Exercises in copying, all of one seed. */
export interface CopyingSeries {
  readonly seed: number
  /** The most places of a text, filled and empty ones together. */
  readonly longest: number
  /** The most of them, as a share, that are empty. */
  readonly gaps: number
}

/** Stands at a place where no letter is, in `copying` and in pictures of letters in cells. */
export const EMPTY_CELL: string = '·'

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789']
const signs = [...'.,:;-/()&%€$£#@!?+*="\'_<>[]°äöüéèáçñßÄÖÜÉåø']

export function letterOrDigit(dice: Dice): string {
  return dice.pick(letters)
}

/** A letter or digit, at times a sign or a letter with an accent. */
export function anyLetter(dice: Dice): string {
  return dice.pick(dice.chance(0.85) ? letters : signs)
}

/** Places of which a share is empty: none of them, or up to `gaps`. */
export function anyCells(dice: Dice, count: number, gaps: number): string[] {
  const share = dice.chance(0.4) ? 0 : dice.float(0, gaps)
  const cells: string[] = Array.from({ length: count }, () =>
    dice.chance(share) ? EMPTY_CELL : anyLetter(dice),
  )
  if (cells.every((cell) => cell === EMPTY_CELL)) cells[0] = anyLetter(dice)
  return cells
}

/** The two tasks about places, as they are asked of texts and of pictures alike. */
export const cellTasks = {
  every: 'Write down every cell.',
  letters: 'Read the letters.',
} as const

/** The letters of places, without those that are empty. */
export function lettersOf(cells: readonly string[]): string {
  return cells.filter((cell) => cell !== EMPTY_CELL).join('')
}

/**
 * A text of random letters and the task to write it down, whole or without its empty places. A decoder that has learned
 * this finds what it was shown, and passes over where there is nothing: what pictures ask of it afterwards, at a tenth
 * of the computation.
 */
export function copyingAt({ seed, longest, gaps }: CopyingSeries, index: number): Turn[] {
  const dice = new Dice(seed, `copying/${index}`)
  const cells = anyCells(dice, dice.int(4, longest), gaps)
  const [task, answer] = dice.chance(0.5)
    ? [cellTasks.every, cells.join('')]
    : [cellTasks.letters, lettersOf(cells)]
  return [
    { from: 'human', value: `|${cells.join('')}|\n${task}` },
    { from: 'gpt', value: answer },
  ]
}
