import { IGNORED, type LabelledSample } from '../text/labels.ts'

/**
 * Labels [T] in which visual token i learns the i-th token of an answer besides, the first one that has a token for each
 * visual token; samples without such an answer keep their labels. A picture of letters in cells, one cell a visual
 * token, so teaches the encoder to read before the decoder has learned where to look, which is slow as long as there is
 * nothing to find.
 */
export function labelVisualTokens(
  { inputIds, labels }: Pick<LabelledSample, 'inputIds' | 'labels'>,
  contextId: number,
): number[] {
  const visual = inputIds.flatMap((id, at) => (id === contextId ? [at] : []))
  const answer = visual.length > 0 && answersOf(labels).find(({ length }) => length === visual.length)
  if (!answer) return labels
  const both = [...labels]
  // Labels are shifted: what a position predicts stands at the next one.
  for (const [i, at] of visual.entries()) both[at + 1] = answer[i]!
  return both
}

/** The learned stretches, without the token that ends each and stands for nothing in a picture. */
function answersOf(labels: readonly number[]): number[][] {
  const answers: number[][] = []
  for (const [at, label] of labels.entries()) {
    if (label === IGNORED) continue
    if (at === 0 || labels[at - 1] === IGNORED) answers.push([])
    answers.at(-1)!.push(label)
  }
  return answers.map((answer) => answer.slice(0, -1))
}
