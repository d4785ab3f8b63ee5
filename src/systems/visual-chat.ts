import { noWork, type Work } from '../graph/work.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { PromptReader, type PromptReaderParts } from './prompt-reader.ts'
import type {
  Conversation,
  DecodingState,
  PreparedConversation,
  PromptWork,
  RunOptions,
  System,
} from './system.ts'

/** What a chat system is made of; all of it but `prepare` and `encode` is written once. */
export interface VisualChatParts<P extends PreparedConversation = PreparedConversation>
  extends PromptReaderParts<P> {
  readonly name: string
  readonly usesBoxes?: boolean
  readonly tokenizer: Tokenizer
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  readonly tiling: TilingOptions
  readonly prepare: (conversation: Conversation) => P
  /** What encoding the pictures computes. */
  readonly encodeWork: (prepared: P) => Work
  /** How many tokens of a prompt are left by the compression that it asks for. */
  readonly compressedLength?: (prepared: P) => number
}

/** A system whose visual tokens replace placeholders of a chat prompt. */
export class VisualChat<P extends PreparedConversation = PreparedConversation> implements System {
  readonly name: string
  readonly usesBoxes: boolean
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  readonly tiling: TilingOptions
  readonly canCompress: boolean
  readonly #parts: VisualChatParts<P>
  readonly #reader: PromptReader<P>

  constructor(parts: VisualChatParts<P>) {
    this.name = parts.name
    this.usesBoxes = parts.usesBoxes ?? false
    this.tokenizer = parts.tokenizer
    this.vocabSize = parts.programs.decoder.vocabSize
    this.stopIds = parts.stopIds
    this.stopTexts = parts.stopTexts
    this.tiling = parts.tiling
    this.canCompress = parts.compress !== undefined
    this.#parts = parts
    this.#reader = new PromptReader(parts)
  }

  prepare(conversation: Conversation): P {
    return this.#parts.prepare(conversation)
  }

  work(prepared: P): PromptWork {
    const { programs, encodeWork, compressedLength } = this.#parts
    const { layout, compression, pictures } = prepared
    const total = layout.promptLength
    const isCompressed = compression !== undefined && pictures.length > 0
    const decoderTokens = isCompressed && compressedLength ? compressedLength(prepared) : total
    const { layers, kvHeads, headSize } = programs.decoder
    return {
      encode: encodeWork(prepared),
      compress: isCompressed ? programs.firstStageWork(total) : noWork,
      prefill: programs.promptWork(decoderTokens),
      step: programs.work(1, decoderTokens),
      decoderTokens,
      cacheValues: 2 * layers * kvHeads * headSize,
    }
  }

  start(prepared: P, run?: RunOptions): Promise<DecodingState> {
    return this.#reader.read([prepared], run)
  }

  startBatch(batch: readonly P[], run?: RunOptions): Promise<DecodingState> {
    return this.#reader.read(batch, run)
  }

  async dispose(): Promise<void> {
    const { encoders, programs } = this.#parts
    for (const part of [...encoders, programs]) await part.dispose()
  }
}
