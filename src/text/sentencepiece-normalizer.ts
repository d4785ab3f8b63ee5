import { CheckpointError } from '../tensor/errors.ts'
import { anyOf } from './python-text.ts'
import type { NormalizerSpec } from './sentencepiece-model.ts'

/** SentencePiece's visible space, U+2581. */
export const SPACE_SYMBOL = '\u2581'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A compiled table of replacements (`precompiled_charsmap`): a Darts double array over UTF-8 bytes whose
 * values are offsets into a block of zero-terminated strings. Source: google/sentencepiece, `normalizer.cc`;
 * Darts-clone.
 */
class Charsmap {
  readonly #units: Uint32Array
  readonly #strings: Uint8Array

  /** @throws CheckpointError `sentencepiece-charsmap` when the table's sizes disagree. */
  constructor(table: Uint8Array, where: string) {
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
    const trieBytes = table.length >= 4 ? view.getUint32(0, true) : 0
    if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes + 4 > table.length)
      throw new CheckpointError(
        'sentencepiece-charsmap',
        `${where}: the normalisation table has ${table.length} bytes but announces a trie of ${trieBytes}. ` +
          'The file is damaged; download it again.',
        { where, sizeBytes: table.length, trieBytes },
      )
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true))
    this.#strings = table.subarray(4 + trieBytes)
  }

  /**
   * The longest rule that matches at `at`: how many bytes it takes and what replaces them; undefined for
   * none.
   */
  match(bytes: Uint8Array, at: number): { length: number; replacement: Uint8Array } | undefined {
    const units = this.#units
    let position = offsetOf(units[0]!)
    let longest = 0
    let value = 0
    for (let i = at; i < bytes.length; i++) {
      position ^= bytes[i]!
      const unit = units[position]
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== bytes[i]) break
      position ^= offsetOf(unit)
      if ((unit >>> 8) & 1) {
        longest = i + 1 - at
        value = (units[position] ?? 0) & 0x7fffffff
      }
    }
    if (longest === 0) return undefined
    const end = this.#strings.indexOf(0, value)
    return { length: longest, replacement: this.#strings.subarray(value, end < 0 ? undefined : end) }
  }
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6)

/** Rewrites text as SentencePiece does before it looks for pieces. */
export class SentencePieceNormalizer {
  readonly #spec: NormalizerSpec
  readonly #charsmap: Charsmap | undefined
  readonly #untouched: RegExp | undefined
  readonly #spaceIsSuffix: boolean

  /**
   * `untouched` are user-defined pieces, which no rule rewrites. @throws CheckpointError
   * `sentencepiece-charsmap`
   */
  constructor(spec: NormalizerSpec, untouched: Iterable<string>, spaceIsSuffix: boolean, where: string) {
    this.#spec = spec
    this.#charsmap =
      spec.precompiledCharsmap.length > 0 ? new Charsmap(spec.precompiledCharsmap, where) : undefined
    this.#untouched = this.#charsmap ? anyOf(untouched) : undefined
    this.#spaceIsSuffix = spaceIsSuffix
  }

  /** The normalised form of well-formed text. Source: google/sentencepiece, `normalizer.cc`, `Normalize`. */
  normalize(text: string): string {
    const { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = this.#spec
    let normal = this.#replace(text)
    if (removeExtraWhitespaces) normal = normal.replace(/^ +/, '')
    if (normal === '') return ''
    if (removeExtraWhitespaces) normal = normal.replace(/ {2,}/g, ' ')
    if (escapeWhitespaces) normal = normal.replaceAll(' ', SPACE_SYMBOL)
    const symbol = escapeWhitespaces ? SPACE_SYMBOL : ' '
    if (addDummyPrefix && !this.#spaceIsSuffix) normal = symbol + normal
    if (removeExtraWhitespaces) while (normal.endsWith(symbol)) normal = normal.slice(0, -symbol.length)
    if (addDummyPrefix && this.#spaceIsSuffix) normal += symbol
    return normal
  }

  #replace(text: string): string {
    const map = this.#charsmap
    if (!map) return text
    if (!this.#untouched) return replaceAll(map, text)
    let replaced = ''
    let end = 0
    for (const { 0: match, index } of text.matchAll(this.#untouched)) {
      replaced += replaceAll(map, text.slice(end, index)) + match
      end = index + match.length
    }
    return replaced + replaceAll(map, text.slice(end))
  }
}

function replaceAll(map: Charsmap, text: string): string {
  const bytes = encoder.encode(text)
  const parts: Uint8Array[] = []
  let kept = 0
  let length = bytes.length
  for (let at = 0; at < bytes.length; ) {
    const rule = map.match(bytes, at)
    if (rule) {
      parts.push(bytes.subarray(kept, at), rule.replacement)
      length += rule.replacement.length - rule.length
      at += rule.length
      kept = at
    } else {
      at++
      while (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at++ // on to the next character
    }
  }
  parts.push(bytes.subarray(kept))
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return decoder.decode(joined)
}
