/** What a question asks and what the right answer is. */
export interface FormAnswer {
  readonly form: string
  readonly answer: string
}

/**
 * The share that an answerer gets right who sees no picture but knows all the other questions: it gives the answer that is
 * most frequent among the others of the form. Of equally frequent ones the right one counts by its share. 0 for none.
 */
export function blindScore(questions: readonly FormAnswer[]): number {
  if (questions.length === 0) return 0
  const forms = new Map<string, Map<string, number>>()
  for (const { form, answer } of questions) {
    const counts = forms.get(form) ?? new Map<string, number>()
    forms.set(form, counts.set(answer, (counts.get(answer) ?? 0) + 1))
  }
  let right = 0
  for (const { form, answer } of questions) {
    const counts = forms.get(form)!
    const own = counts.get(answer)! - 1
    let most = own
    let ties = own > 0 ? 1 : 0
    for (const [other, count] of counts)
      if (other !== answer && count > most) {
        most = count
        ties = 0
      } else if (other !== answer && count === most && ties > 0) ties++
    if (own > 0 && own === most) right += 1 / ties
  }
  return right / questions.length
}
