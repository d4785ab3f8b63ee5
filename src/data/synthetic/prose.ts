import type { Dice } from './dice.ts'
import { type Asked, read } from './kind.ts'
import type { Mark, Page, TextStyle } from './page.ts'

/**
 * Writes a line word by word, so that each has its box.
 * @param gap pixels between words beyond a blank's
 */
export function writeWords(
  page: Page,
  line: string,
  x: number,
  y: number,
  style: TextStyle,
  gap = 0,
): Mark[] {
  const words = line.split(' ')
  return words.map((word, i) => {
    const before = i === 0 ? 0 : page.widthOf(`${words.slice(0, i).join(' ')} `, style)
    return page.write(word, x + before + i * gap, y, style)
  })
}

/** A question whose answer is several marks one after the other. */
export function readAll(form: string, question: string, marks: readonly Mark[]): Asked {
  return { form, question, answer: marks.map(({ text }) => text).join(' '), evidence: marks, isRead: true }
}

/** Questions for the word behind another one, which stands in the text only once. */
export function nextWords(form: string, words: readonly Mark[], count: number, dice: Dice): Asked[] {
  const plains = words.map(({ text }) => plainWord(text))
  const places = plains.map((_, at) => at).filter((at) => isUnique(plains, at) && isTelling(plains[at + 1]))
  return dice.sample(places, count).map((at) => ({
    ...read(form, `Which word follows "${plains[at]}"?`, words[at + 1]!),
    answer: plains[at + 1]!,
    evidence: [words[at]!, words[at + 1]!],
  }))
}

/** Whether a word is long enough to be named, and stands in a text only once. */
export function isUnique(words: readonly string[], at: number): boolean {
  const word = words[at]!
  return word.length > 3 && words.indexOf(word) === words.lastIndexOf(word)
}

/** The word without the signs around it. */
export function plainWord(word: string): string {
  return word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
}

/** Words that are guessed too easily. */
const smallWords = new Set(
  'the a an of to and in is with will but was your has no or for it on as at by be we he that'.split(' '),
)

/** Whether a word can hardly be guessed. */
export function isTelling(word: string | undefined): boolean {
  return word !== undefined && word !== '' && !smallWords.has(word.toLowerCase())
}
