import { memorySource } from '../checkpoint/memory.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789']
const merges = ['c a', 'ca t</w>', 'd o', 'do g</w>', 'l a']

/** A tiny CLIP vocabulary, with '!' at id 0: letters, some merges, start and end last. */
export const clipFiles: ReadonlyMap<string, Uint8Array> = (() => {
  const merged = merges.map((line) => line.replace(' ', ''))
  const pieces = ['!', ...letters, ...letters.map((letter) => `${letter}</w>`), '!</w>', ...merged]
  const vocab = Object.fromEntries(
    [...pieces, '<|startoftext|>', '<|endoftext|>'].map((piece, id) => [piece, id]),
  )
  const encode = (text: string) => new TextEncoder().encode(text)
  return new Map([
    ['vocab.json', encode(JSON.stringify(vocab))],
    ['merges.txt', encode(`#version: 0.2\n${merges.join('\n')}\n`)],
  ])
})()

/** How many ids the vocabulary has. */
export const clipVocabSize = 1 + 2 * letters.length + 1 + merges.length + 2

export function clipTokenizer(): Promise<Tokenizer> {
  return loadTokenizer(memorySource('clip', clipFiles), { className: 'CLIPTokenizer' })
}
