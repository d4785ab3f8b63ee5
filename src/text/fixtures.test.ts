// What the tests beside it share; named as a test so that the build leaves it out.
import { PbfWriter } from 'pbf'
import type { FileSource } from '../checkpoint/files.ts'
import { memorySource } from '../checkpoint/memory.ts'
import type { Piece, PieceType } from './sentencepiece-model.ts'

/** Files that lie in memory: strings, bytes, or values that become JSON. */
export function memoryFiles(files: Readonly<Record<string, string | Uint8Array | object>>): FileSource {
  const bytes = Object.entries(files).map(([path, file]): [string, Uint8Array] => {
    if (file instanceof Uint8Array) return [path, file]
    return [path, new TextEncoder().encode(typeof file === 'string' ? file : JSON.stringify(file))]
  })
  return memorySource('memory', new Map(bytes))
}

const pieceTypes: readonly PieceType[] = ['normal', 'unknown', 'control', 'user-defined', 'unused', 'byte']

export interface ModelFixture {
  readonly type?: 'unigram' | 'bpe' | 'word'
  readonly pieces: readonly (readonly [text: string, score?: number, type?: PieceType])[]
  readonly bytes?: boolean
  readonly dummyPrefix?: boolean
  readonly removeExtra?: boolean
  readonly spaceIsSuffix?: boolean
  readonly charsmap?: Uint8Array
}

/**
 * A `tokenizer.model` with `<unk>`, `<s>`, `</s>`, the byte pieces where asked, and then the given pieces.
 */
export function modelFile(fixture: ModelFixture): Uint8Array {
  const { type = 'bpe', bytes = false, dummyPrefix = false, removeExtra = false } = fixture
  const pieces: Piece[] = [
    { text: '<unk>', score: 0, type: 'unknown' },
    { text: '<s>', score: 0, type: 'control' },
    { text: '</s>', score: 0, type: 'control' },
  ]
  for (let byte = 0; bytes && byte < 256; byte++) {
    const text = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    pieces.push({ text, score: 0, type: 'byte' })
  }
  for (const [text, score = 0, type = 'normal'] of fixture.pieces) pieces.push({ text, score, type })
  const file = new PbfWriter()
  for (const piece of pieces)
    file.writeMessage(
      1,
      (p: Piece, pbf: PbfWriter) => {
        pbf.writeStringField(1, p.text)
        pbf.writeFloatField(2, p.score)
        pbf.writeVarintField(3, pieceTypes.indexOf(p.type) + 1)
      },
      piece,
    )
  file.writeMessage(
    2,
    (_: null, pbf: PbfWriter) => {
      pbf.writeVarintField(3, ['unigram', 'bpe', 'word'].indexOf(type) + 1)
      pbf.writeBooleanField(24, fixture.spaceIsSuffix === true)
      pbf.writeBooleanField(35, bytes)
    },
    null,
  )
  file.writeMessage(
    3,
    (_: null, pbf: PbfWriter) => {
      if (fixture.charsmap) pbf.writeBytesField(2, fixture.charsmap)
      pbf.writeBooleanField(3, dummyPrefix)
      pbf.writeBooleanField(4, removeExtra)
    },
    null,
  )
  return file.finish()
}

/** GPT-2's letters for the 256 bytes, in the order of the bytes. */
export const byteLetters: readonly string[] = (() => {
  let shifted = 0x100
  return Array.from({ length: 256 }, (_, b) => {
    const printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae
    return String.fromCharCode(printable ? b : shifted++)
  })
})()

/** The files of a byte-level tokenizer whose byte pieces have the bytes as ids, followed by the merges. */
export function byteFiles(merges: readonly string[], config: object): Record<string, string | object> {
  const vocab = Object.fromEntries(byteLetters.map((letter, id) => [letter, id]))
  for (const [i, merge] of merges.entries()) vocab[merge.replace(' ', '')] = 256 + i
  return {
    'vocab.json': vocab,
    'merges.txt': `#version: 0.2\n${merges.join('\n')}\n`,
    'tokenizer_config.json': config,
  }
}

/** The flags of an added token as `tokenizer_config.json` writes them. */
export function addedToken(content: string, flags: object = {}): object {
  return {
    content,
    lstrip: false,
    rstrip: false,
    single_word: false,
    normalized: false,
    special: true,
    ...flags,
  }
}
