import { IGNORED, type LabelledSample } from '../text/labels.ts'

/**
 * Labels [T] in which visual token i learns the i-th token of the first answer besides, where that has one for each
 * visual token; other samples keep their labels. A picture of letters in cells, one cell a visual token, so teaches the
 * encoder to read before the decoder has learned where to look, which is slow as long as there is nothing to find.
 */
export function labelVisualTokens(
  { inputIds, labels }: Pick<LabelledSample, 'inputIds' | 'labels'>,
  contextId: number,
): number[] {
  const visual = inputIds.flatMap((id, at) => (id === contextId ? [at] : []))
  const start = labels.findIndex((label) => label !== IGNORED)
  const next = labels.findIndex((label, at) => at > start && label === IGNORED)
  // The token that ends the answer is learned as well, and stands for nothing in the picture.
  const answer = start < 0 ? [] : labels.slice(start, (next < 0 ? labels.length : next) - 1)
  if (visual.length === 0 || answer.length !== visual.length) return labels
  const both = [...labels]
  // Labels are shifted: what a position predicts stands at the next one.
  for (const [i, at] of visual.entries()) both[at + 1] = answer[i]!
  return both
}
