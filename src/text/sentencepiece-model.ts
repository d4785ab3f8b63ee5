import { PbfReader } from 'pbf'
import { CheckpointError } from '../tensor/errors.ts'
import { ownTurn } from '../tensor/turns.ts'

/** What a piece of a SentencePiece vocabulary is for, under the names of `sentencepiece_model.proto`. */
export type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte'

export interface Piece {
  text: string
  score: number
  type: PieceType
}

/** How text is rewritten before (or after) the pieces are found. */
export interface NormalizerSpec {
  name: string
  /** A compiled table of replacements; empty for identity. */
  precompiledCharsmap: Uint8Array
  addDummyPrefix: boolean
  removeExtraWhitespaces: boolean
  escapeWhitespaces: boolean
}

/** A `tokenizer.model` file, with the defaults of its protocol where it is silent. */
export interface SentencePieceModel {
  pieces: Piece[]
  /** The pieces' places by their text. */
  ids: Map<string, number>
  modelType: 'unigram' | 'bpe' | 'word' | 'char'
  byteFallback: boolean
  treatWhitespaceAsSuffix: boolean
  unkSurface: string
  bosPiece: string
  eosPiece: string
  padPiece: string
  normalizer: NormalizerSpec
  denormalizer: NormalizerSpec
}

const pieceTypes: readonly (PieceType | undefined)[] = [
  undefined,
  'normal',
  'unknown',
  'control',
  'user-defined',
  'unused',
  'byte',
]
const modelTypes = [undefined, 'unigram', 'bpe', 'word', 'char'] as const

const defaultNormalizer = (): NormalizerSpec => ({
  name: '',
  precompiledCharsmap: new Uint8Array(0),
  addDummyPrefix: true,
  removeExtraWhitespaces: true,
  escapeWhitespaces: true,
})

function readPiece(tag: number, piece: Piece, pbf: PbfReader): void {
  if (tag === 1) piece.text = pbf.readString()
  else if (tag === 2) piece.score = pbf.readFloat()
  else if (tag === 3) piece.type = pieceTypes[pbf.readVarint()] ?? 'normal'
}

function readTrainer(tag: number, model: SentencePieceModel, pbf: PbfReader): void {
  if (tag === 3) model.modelType = modelTypes[pbf.readVarint()] ?? 'unigram'
  else if (tag === 24) model.treatWhitespaceAsSuffix = pbf.readBoolean()
  else if (tag === 35) model.byteFallback = pbf.readBoolean()
  else if (tag === 44) model.unkSurface = pbf.readString()
  else if (tag === 46) model.bosPiece = pbf.readString()
  else if (tag === 47) model.eosPiece = pbf.readString()
  else if (tag === 48) model.padPiece = pbf.readString()
}

function readNormalizer(tag: number, spec: NormalizerSpec, pbf: PbfReader): void {
  if (tag === 1) spec.name = pbf.readString()
  else if (tag === 2) spec.precompiledCharsmap = pbf.readBytes().slice()
  else if (tag === 3) spec.addDummyPrefix = pbf.readBoolean()
  else if (tag === 4) spec.removeExtraWhitespaces = pbf.readBoolean()
  else if (tag === 5) spec.escapeWhitespaces = pbf.readBoolean()
}

/**
 * The content of a SentencePiece model file. `where` names the file in messages.
 * Source: google/sentencepiece, `sentencepiece_model.proto`.
 * @throws CheckpointError `sentencepiece-file` when the bytes are no such message or hold no pieces;
 *   `sentencepiece-duplicate` when two pieces have the same text.
 */
export function readSentencePieceModel(bytes: Uint8Array, where: string): SentencePieceModel {
  const model = emptyModel()
  const file = new PbfReader(bytes)
  readPart(file, bytes.length, model, where)
  return checkedModel(model, bytes, where)
}

/** Bytes of a model file that are read before the event loop gets a turn: about 5 ms. */
const bytesPerTurn = 2 ** 17

/** As `readSentencePieceModel`, in turns with the event loop: 90,000 pieces take 50 ms. */
export async function readSentencePieceModelInTurns(
  bytes: Uint8Array,
  where: string,
): Promise<SentencePieceModel> {
  const model = emptyModel()
  const file = new PbfReader(bytes)
  while (file.pos < bytes.length) {
    readPart(file, Math.min(bytes.length, file.pos + bytesPerTurn), model, where)
    await ownTurn()
  }
  return checkedModel(model, bytes, where)
}

function emptyModel(): SentencePieceModel {
  return {
    pieces: [],
    ids: new Map(),
    modelType: 'unigram',
    byteFallback: false,
    treatWhitespaceAsSuffix: false,
    unkSurface: ' \u2047 ',
    bosPiece: '<s>',
    eosPiece: '</s>',
    padPiece: '<pad>',
    normalizer: defaultNormalizer(),
    denormalizer: { ...defaultNormalizer(), addDummyPrefix: false, removeExtraWhitespaces: false },
  }
}

/** Reads the fields that begin before `end`, and numbers the pieces among them. */
function readPart(file: PbfReader, end: number, model: SentencePieceModel, where: string): void {
  try {
    file.readFields(
      (tag, result: SentencePieceModel, pbf) => {
        if (tag === 1)
          result.pieces.push(pbf.readMessage(readPiece, { text: '', score: 0, type: 'normal' as PieceType }))
        else if (tag === 2) pbf.readMessage(readTrainer, result)
        else if (tag === 3) pbf.readMessage(readNormalizer, result.normalizer)
        else if (tag === 5) pbf.readMessage(readNormalizer, result.denormalizer)
      },
      model,
      end,
    )
  } catch (cause) {
    throw unreadable(where, file.length, cause)
  }
  numberPieces(model, where)
}

function checkedModel(model: SentencePieceModel, bytes: Uint8Array, where: string): SentencePieceModel {
  if (model.pieces.length === 0) throw unreadable(where, bytes.length)
  return model
}

/** Gives the pieces that have no number yet theirs. */
function numberPieces({ pieces, ids }: SentencePieceModel, where: string): void {
  for (let id = ids.size; id < pieces.length; id++) {
    const { text } = pieces[id]!
    const first = ids.get(text)
    if (first !== undefined || text === '')
      throw new CheckpointError(
        'sentencepiece-duplicate',
        text === ''
          ? `${where}: piece ${id} is empty. The file is damaged; download it again.`
          : `${where}: pieces ${first} and ${id} are both "${text}". The file is damaged; download it again.`,
        { where, piece: text, ids: [first, id] },
      )
    ids.set(text, id)
  }
}

function unreadable(where: string, sizeBytes: number, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'sentencepiece-file',
    `${where} (${sizeBytes} bytes) is not a SentencePiece model with at least one piece. ` +
      'A Git LFS pointer or a cut download looks like this; fetch the file again.',
    { where, sizeBytes },
    cause,
  )
}
