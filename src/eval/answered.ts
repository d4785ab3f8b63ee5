/** A question's right answer and what a model gave. */
export interface Answered {
  readonly expected: string
  readonly given: string
}
