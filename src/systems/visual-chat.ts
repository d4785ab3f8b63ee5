import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { PromptReader, type PromptReaderParts } from './prompt-reader.ts'
import type { Conversation, DecodingState, PreparedConversation, RunOptions, System } from './system.ts'

/** What a chat system is made of; all of it but `prepare` and `encode` is written once. */
export interface VisualChatParts extends PromptReaderParts {
  readonly name: string
  readonly tokenizer: Tokenizer
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  readonly tiling: TilingOptions
  readonly prepare: (conversation: Conversation) => PreparedConversation
  /** Programs besides the decoder's, to be freed with it. */
  readonly encoders: readonly { dispose(): Promise<void> }[]
}

/** A system whose visual tokens replace placeholders of a chat prompt. */
export class VisualChat implements System {
  readonly name: string
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  readonly tiling: TilingOptions
  readonly #parts: VisualChatParts
  readonly #reader: PromptReader

  constructor(parts: VisualChatParts) {
    this.name = parts.name
    this.tokenizer = parts.tokenizer
    this.vocabSize = parts.programs.decoder.vocabSize
    this.stopIds = parts.stopIds
    this.stopTexts = parts.stopTexts
    this.tiling = parts.tiling
    this.#parts = parts
    this.#reader = new PromptReader(parts)
  }

  prepare(conversation: Conversation): PreparedConversation {
    return this.#parts.prepare(conversation)
  }

  start(prepared: PreparedConversation, run?: RunOptions): Promise<DecodingState> {
    return this.#reader.read([prepared], run)
  }

  startBatch(batch: readonly PreparedConversation[], run?: RunOptions): Promise<DecodingState> {
    return this.#reader.read(batch, run)
  }

  async dispose(): Promise<void> {
    const { encoders, programs } = this.#parts
    for (const part of [...encoders, programs]) await part.dispose()
  }
}
