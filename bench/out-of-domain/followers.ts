import { isTelling, isUnique, plainWord } from '../../src/data/synthetic/prose.ts'
import type { MeasuredQuestion } from '../embedded/sets.ts'
import { isAnswer, occurrences } from './layer.ts'

/**
 * Questions for the word behind another one that stands in the whole picture only once, as the generator asks them. The
 * followers have four letters or more: shorter ones are guessed too easily.
 */
export function followers(
  form: string,
  paragraphs: readonly (readonly string[])[],
  text: string,
): MeasuredQuestion[] {
  return paragraphs.flatMap((words) => {
    const plains = words.map(plainWord)
    return plains.flatMap((word, at) => {
      const next = plains[at + 1]
      const isGood =
        isUnique(plains, at) &&
        isTelling(next) &&
        next!.length > 3 &&
        [word, next!].every((part) => /^[\p{Script=Latin}\d-]+$/u.test(part) && isAnswer(part)) &&
        occurrences(text.toLowerCase(), word.toLowerCase()) === 1 &&
        // Nothing but a space between them, so that the follower is no other sentence's.
        words[at]!.endsWith(word) &&
        words[at + 1]!.startsWith(next!) &&
        // No halves of words that a line's end parted.
        ![words[at - 1], words[at + 1]].some((part) => part?.endsWith('-'))
      return isGood ? [{ form, question: `Which word follows "${word}"?`, answer: next! }] : []
    })
  })
}
