/**
 * The words of a tagger's text as MG-LLaVA hands them to the detector: `Dog | red ball` → `dog`, `red ball`. No tag
 * gives one empty word, as published. Golden case `ram-tiny`.
 */
export function tagWords(text: string): string[] {
  const list = text.replaceAll(' |', ',').toLowerCase().trim()
  return list.split(',').map((word) => word.trim())
}

/** What the detector is asked for each word. */
export function detectionQuery(word: string): string {
  return `a photo of ${word}`
}
