import type { Subject } from './camera/photograph.ts'
import type { Dice } from './dice.ts'
import type { FontBook } from './faces.ts'
import type { Mark, Page } from './page.ts'

/** A question about a page. */
export interface Asked {
  /** What is asked, whatever the words: all questions for a receipt's total have one form. */
  readonly form: string
  readonly question: string
  /** Short; as it is printed where it is read off. */
  readonly answer: string
  /** What the answer rests on. */
  readonly evidence: readonly Mark[]
  /** Whether the answer stands on the page; others are counted, compared or measured. */
  readonly isRead: boolean
  /** Asked of every picture, whatever else is; false by default. */
  readonly isMain?: boolean
}

/** A page that is ready to be photographed. */
export interface Composition {
  readonly page: Page
  readonly subject: Subject
  readonly asked: readonly Asked[]
}

/** One kind of picture. */
export type Compose = (dice: Dice, fonts: FontBook) => Composition

/** A question whose answer is a mark's text. */
export function read(form: string, question: string, mark: Mark): Asked {
  return { form, question, answer: mark.text, evidence: [mark], isRead: true }
}

/** A question whose answer is the text of a mark that a label names. */
export function readBeside(form: string, question: string, label: Mark, mark: Mark): Asked {
  return { form, question, answer: mark.text, evidence: [label, mark], isRead: true }
}

/** A question whose answer follows from marks. */
export function derived(form: string, question: string, answer: string, evidence: readonly Mark[]): Asked {
  return { form, question, answer, evidence, isRead: false }
}
