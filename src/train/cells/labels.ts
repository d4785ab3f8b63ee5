/**
 * What is learned of a sample: the answers of a conversation; a caption without its question (LLaVA, stage 1); what the
 * visual tokens show (`cellReadingTask`); or both answers and that (`readingTask`).
 */
export const labelKinds = ['conversation', 'caption', 'cells', 'conversation-and-cells'] as const
export type LabelKind = (typeof labelKinds)[number]

/** Whether what pictures show must be known. */
export function teachesCells(labels: LabelKind | undefined): boolean {
  return labels === 'cells' || labels === 'conversation-and-cells'
}
