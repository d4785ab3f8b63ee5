import { CheckpointError } from '../tensor/errors.ts'
import { ownTurn } from '../tensor/turns.ts'
import { PieceMerger } from './sentencepiece-bpe.ts'
import {
  readSentencePieceModel,
  readSentencePieceModelInTurns,
  type SentencePieceModel,
} from './sentencepiece-model.ts'
import { SentencePieceNormalizer, SPACE_SYMBOL } from './sentencepiece-normalizer.ts'
import { PieceLattice } from './sentencepiece-unigram.ts'

/**
 * A SentencePiece model (BPE or unigram): text to piece ids, and pieces back to text.
 * Source: google/sentencepiece 0.2, `sentencepiece_processor.cc`.
 */
export class SentencePiece {
  readonly model: SentencePieceModel
  readonly unkId: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly #ids: ReadonlyMap<string, number>
  readonly #byteIds: readonly number[]
  readonly #normalizer: SentencePieceNormalizer
  readonly #denormalizer: SentencePieceNormalizer | undefined
  #pieces: PieceMerger | PieceLattice | undefined

  /**
   * @throws CheckpointError `sentencepiece-file`, `sentencepiece-duplicate`, `sentencepiece-charsmap`;
   *   `sentencepiece-model-type` for word and character models; `sentencepiece-unknown` without an unknown
   * piece.
   */
  constructor(
    file: Uint8Array | SentencePieceModel,
    where: string,
    overrides: { addDummyPrefix?: boolean } = {},
  ) {
    const model = file instanceof Uint8Array ? readSentencePieceModel(file, where) : file
    if (overrides.addDummyPrefix !== undefined) model.normalizer.addDummyPrefix = overrides.addDummyPrefix
    this.model = model
    this.#ids = model.ids
    this.unkId = model.pieces.findIndex(({ type }) => type === 'unknown')
    if (this.unkId < 0)
      throw new CheckpointError('sentencepiece-unknown', `${where} has no piece of type UNKNOWN.`, { where })
    this.bosId = this.#controlId(model.bosPiece)
    this.eosId = this.#controlId(model.eosPiece)
    this.#byteIds = Array.from({ length: 256 }, (_, byte) => this.#ids.get(bytePiece(byte)) ?? this.unkId)
    const own = model.pieces.filter(({ type }) => type === 'user-defined').map(({ text }) => text)
    this.#normalizer = new SentencePieceNormalizer(
      model.normalizer,
      own,
      model.treatWhitespaceAsSuffix,
      where,
    )
    if (model.denormalizer.precompiledCharsmap.length > 0)
      this.#denormalizer = new SentencePieceNormalizer(
        { ...model.denormalizer, escapeWhitespaces: false },
        [],
        false,
        where,
      )
    if (model.modelType !== 'bpe' && model.modelType !== 'unigram')
      throw new CheckpointError(
        'sentencepiece-model-type',
        `${where} is a SentencePiece model of type "${model.modelType}"; only "bpe" and "unigram" are read.`,
        { where, modelType: model.modelType },
      )
  }

  /** As the constructor, in turns with the event loop. @throws as the constructor */
  static async read(
    bytes: Uint8Array,
    where: string,
    overrides: { addDummyPrefix?: boolean } = {},
  ): Promise<SentencePiece> {
    const model = await readSentencePieceModelInTurns(bytes, where)
    const pieces = new SentencePiece(model, where, overrides)
    await ownTurn()
    pieces.#finder()
    return pieces
  }

  /** What finds pieces in text; made when it is first needed. */
  #finder(): PieceMerger | PieceLattice {
    const { pieces, ids, modelType } = this.model
    this.#pieces ??= modelType === 'bpe' ? new PieceMerger(pieces, ids) : new PieceLattice(pieces)
    return this.#pieces
  }

  get size(): number {
    return this.model.pieces.length
  }

  pieceOf(id: number): string | undefined {
    return this.model.pieces[id]?.text
  }

  idOf(piece: string): number | undefined {
    return this.#ids.get(piece)
  }

  /** The ids of well-formed text, without any begin or end token. */
  encode(text: string): number[] {
    const ids: number[] = []
    let afterUnknown = false
    for (const found of this.#finder().find(this.#normalizer.normalize(text))) {
      const unknown = typeof found === 'string'
      if (!unknown) ids.push(found)
      else if (this.model.byteFallback)
        for (const byte of new TextEncoder().encode(found)) ids.push(this.#byteIds[byte]!)
      else if (!afterUnknown) ids.push(this.unkId) // a run of unknown characters is one token
      afterUnknown = unknown
    }
    return ids
  }

  /**
   * The text of pieces. Bytes that form no character become U+FFFD each; the space that stands for the dummy
   * prefix is dropped at the start.
   */
  decode(pieces: readonly string[]): string {
    const { addDummyPrefix, removeExtraWhitespaces } = this.model.normalizer
    const dropsSpace = addDummyPrefix || removeExtraWhitespaces
    let text = ''
    let bytes: number[] = []
    let atStart = true
    let spaceSeen = false
    for (const piece of pieces) {
      const id = this.#ids.get(piece) ?? this.unkId
      const type = this.model.pieces[id]!.type
      if (type === 'byte') {
        bytes.push(Number.parseInt(piece.slice(3, 5), 16))
        continue
      }
      text += decodeBytes(bytes)
      bytes = []
      if (spaceSeen || text !== '') atStart = false
      spaceSeen = false
      if (type === 'control') continue
      if (type === 'unknown') text += this.pieceOf(id) === piece ? this.model.unkSurface : piece
      else {
        const drops = atStart && dropsSpace && piece.startsWith(SPACE_SYMBOL)
        spaceSeen = drops && !removeExtraWhitespaces
        text += (drops ? piece.slice(1) : piece).replaceAll(SPACE_SYMBOL, ' ')
      }
    }
    text += decodeBytes(bytes)
    return this.#denormalizer ? this.#denormalizer.normalize(text) : text
  }

  #controlId(piece: string): number | undefined {
    const id = this.#ids.get(piece)
    return id !== undefined && this.model.pieces[id]!.type === 'control' ? id : undefined
  }
}

const bytePiece = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** UTF-8 with one U+FFFD for every byte that belongs to no character, where `TextDecoder` would join some. */
function decodeBytes(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    try {
      text += strictDecoder.decode(Uint8Array.from(bytes.slice(at, at + length)))
      at += length
    } catch {
      text += '\ufffd'
      at++
    }
  }
  return text
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
