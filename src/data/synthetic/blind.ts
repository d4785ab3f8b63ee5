/** What a question asks and what the right answer is. */
export interface FormAnswer {
  readonly form: string
  readonly answer: string
}

/**
 * The share that an answerer gets right who sees no picture and always gives a form's most frequent answer. Half of a form's
 * questions, every second one, are what it knows to answer the other half, and the other way round. Of answers that are
 * equally frequent it gives any. 0 for no questions.
 */
export function blindScore(questions: readonly FormAnswer[]): number {
  const forms = new Map<string, string[]>()
  for (const { form, answer } of questions) forms.set(form, [...(forms.get(form) ?? []), answer])
  let right = 0
  for (const answers of forms.values()) {
    const halves = [0, 1].map((parity) => answers.filter((_, i) => i % 2 === parity)) as [string[], string[]]
    right += guessed(halves[0], halves[1]) + guessed(halves[1], halves[0])
  }
  return questions.length === 0 ? 0 : right / questions.length
}

/** How many of `asked` the most frequent answer among `known` gets right. */
function guessed(asked: readonly string[], known: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const answer of known) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const guesses = new Set([...counts].filter(([, count]) => count === most).map(([answer]) => answer))
  return guesses.size === 0 ? 0 : asked.filter((answer) => guesses.has(answer)).length / guesses.size
}
