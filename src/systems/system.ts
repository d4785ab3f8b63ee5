import type { Work } from '../graph/work.ts'
import type { Box, LabelledBox } from '../image/boxes.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import type { RunOptions } from '../runtime/run-events.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Turn } from '../text/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilePlan } from '../tiling/plan.ts'
import type { TilingOptions } from '../tiling/tiling.ts'

export type { NoticeEvent, OnEvent, RunEvent, RunOptions } from '../runtime/run-events.ts'

/** A decoded picture and what to call it. */
export interface Picture {
  readonly name: string
  readonly image: RgbImage
}

/** How token compression is done, for the systems that have it (Mini-Monkey's SCM). */
export interface CompressionOptions {
  /** `official` also drops the first token behind the block, as the published code does; `corrected` keeps it. */
  readonly mode?: 'official' | 'corrected'
  /** The share of the detailed block that is kept; 0.5 as published. */
  readonly keepRatio?: number
}

/** What a conversation holds and how its pictures are looked at. */
export interface Conversation {
  readonly pictures: readonly Picture[]
  readonly question: string
  /** Earlier turns, whose pictures come first in `pictures`. */
  readonly history?: readonly Turn[] | undefined
  /** Replaces the template's system text. */
  readonly system?: string | undefined
  readonly tiling?: TilingOptions | undefined
  readonly compression?: CompressionOptions | undefined
  /**
   * For systems that are told where objects are (MG-LLaVA): of each picture, in its own pixels; none by default.
   */
  readonly boxes?: readonly (readonly LabelledBox[])[] | undefined
}

/** Visual tokens of one tile that follow each other: where they stand in the prompt and what they show. */
export interface VisualSpan {
  /** Index into the conversation's pictures. */
  readonly picture: number
  /** Index into the picture's tile plan. */
  readonly tile: number
  /** Prompt positions `start` to before `end`. */
  readonly start: number
  readonly end: number
  /**
   * The tile's token that the span begins with, where a tile's tokens stand in several spans (rows that run across
   * tiles); 0 by default.
   */
  readonly firstToken?: number
  /** Set for the token of one of the picture's objects: its index there. */
  readonly object?: number
}

/** Which prompt positions are visual and which tile each shows. It is kept to the end of a run. */
export interface VisualLayout {
  readonly promptLength: number
  readonly spans: readonly VisualSpan[]
  /** After compression: the prompt positions that the decoder kept, ascending. */
  readonly keptPositions?: readonly number[]
}

/** What happened to one picture. */
export interface PictureReport {
  readonly name: string
  readonly plan: TilePlan
  readonly visualTokens: number
  /** What the model is told of the picture's objects, in pixels of the tile. */
  readonly objects?: { readonly boxes: readonly Box[]; readonly labels: readonly string[] }
}

/** A conversation made ready: nothing of it has gone through a program yet. */
export interface PreparedConversation {
  /** The question with the placeholders of its pictures written out: what the history of a next question holds. */
  readonly question: string
  readonly promptIds: readonly number[]
  readonly layout: VisualLayout
  readonly pictures: readonly PictureReport[]
  readonly compression: CompressionOptions | undefined
  /** Normalised pixels of the tiles `from` to before `to`, all pictures' tiles in order: [n, 3, S, S]. */
  readonly pixels: (from: number, to: number) => Promise<HostTensor<'f32'>>
  readonly tileCount: number
  /** A name for what each tile shows, by which its visual tokens are found again; absent: they are not kept. */
  readonly tileKeys?: () => Promise<readonly string[]>
}

/** What a prompt would compute, phase by phase, and hold. */
export interface PromptWork {
  readonly encode: Work
  readonly compress: Work
  readonly prefill: Work
  /** One answer token behind the prompt. */
  readonly step: Work
  /** Tokens that the decoder reads. */
  readonly decoderTokens: number
  /** Values of keys and values that a token leaves in the cache. */
  readonly cacheValues: number
}

/** Seconds that each phase took. */
export type Timings = Readonly<Record<'prepare' | 'encode' | 'compress' | 'prefill', number>>

/** A prompt that the decoder has read, ready to be continued; one or more rows of it. */
export interface DecodingState {
  /** Of each conversation that was started together; `layout` is the first one's. */
  readonly layouts: readonly VisualLayout[]
  readonly layout: VisualLayout
  readonly timings: Timings
  /** Tokens that the decoder holds, prompt included. */
  readonly length: number
  /** Leading prompt tokens whose keys and values were there from an earlier prompt. */
  readonly reusedTokens: number
  /** Next-token logits of each row, [B, V]. */
  readonly logits: HostTensor<'f32'>
  /** Values named by `tap` in the last run, when the system was loaded with taps. */
  readonly taps: NamedTensors
  /** Appends one token a row and computes the next logits. */
  step(ids: readonly number[]): Promise<void>
  /** Keeps copies of the given present rows, in this order. */
  selectRows(rows: readonly number[]): void
  /** Gives the decoder's memory back; the state cannot be continued after that. */
  dispose(): void
}

/** A published system, loaded: it prepares conversations and reads them. Generation is written once against this. */
export interface System {
  /** The registry's name, such as `mini-monkey`. */
  readonly name: string
  /** Whether it is told where objects are (`boxes` of a conversation). */
  readonly usesBoxes?: boolean
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  /** Ids that end an answer. */
  readonly stopIds: readonly number[]
  /** Texts that end an answer. */
  readonly stopTexts: readonly string[]
  /** How pictures are cut unless a conversation says otherwise. */
  readonly tiling: TilingOptions
  /** Whether a conversation may ask for compression. */
  readonly canCompress: boolean
  /**
   * @throws InputError for an empty question, placeholders that do not match the pictures, and options that the
   * system does not have.
   */
  prepare(conversation: Conversation): PreparedConversation
  /** What reading a prepared conversation would compute; absent where a system does not tell. */
  work?(prepared: PreparedConversation): PromptWork
  /** Encodes the pictures and reads the prompt. @throws AbortError */
  start(prepared: PreparedConversation, options?: RunOptions): Promise<DecodingState>
  /** As `start`, for several conversations decoded together, padded at the left to the longest. */
  startBatch(batch: readonly PreparedConversation[], options?: RunOptions): Promise<DecodingState>
  /** Frees all programs and weights. */
  dispose(): Promise<void>
}
