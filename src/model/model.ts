import { generate, type TextPiece } from '../generate/generate.ts'
import { type GenerationOptions, generationSettings } from '../generate/options.ts'
import type { CompressionOptions, Conversation, RunOptions, System } from '../systems/system.ts'
import type { Turn } from '../text/templates.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { type Answer, AnswerStream } from './answer.ts'
import { Chat } from './chat.ts'
import { type BoxChoice, boxesOf, type ObjectFinder } from './objects.ts'
import { type DecodePicture, decodePictures, type PictureInput } from './pictures.ts'

/** How a question is asked; the rest of the options say how the answer is written. */
export interface AskOptions<Encoded> extends GenerationOptions, RunOptions {
  /** Files, encoded bytes or decoded pixels, in the order in which the question speaks of them. */
  readonly images?: readonly PictureInput<Encoded>[] | undefined
  /** How pictures are cut; the model's published way by default. */
  readonly tiling?: TilingOptions | undefined
  /** Drops visual tokens before decoding, in systems that can (Mini-Monkey's SCM); off by default. */
  readonly compression?: CompressionOptions | undefined
  /**
   * Where objects are, by picture and in its pixels, for systems that are told (MG-LLaVA). Those of a picture that has
   * none here are found; `false` goes without.
   */
  readonly boxes?: BoxChoice | undefined
  /** Replaces the template's system text. */
  readonly systemPrompt?: string | undefined
  /** Earlier turns; their pictures come first in `images`. A `chat()` keeps them by itself. */
  readonly history?: readonly Turn[] | undefined
}

const ownOptions = [
  ...['images', 'tiling', 'compression', 'boxes', 'systemPrompt', 'history'],
  ...['signal', 'onEvent'],
]

/** A loaded model: ask it about pictures. `Encoded` is what the platform decodes pictures from. */
export class Model<Encoded> {
  readonly system: System
  /** A folder or a hub id. */
  readonly source: string
  readonly #decode: DecodePicture<Encoded>
  readonly #finder: ObjectFinder | undefined

  constructor(system: System, source: string, decode: DecodePicture<Encoded>, finder?: ObjectFinder) {
    this.system = system
    this.source = source
    this.#decode = decode
    this.#finder = finder
  }

  /**
   * The answer to a question.
   * @throws InputError for pictures that cannot be read, an empty question, options that are unknown or have no
   * effect; AbortError `aborted` before the first token (later the answer ends with stop reason `aborted`)
   */
  ask(question: string, options: AskOptions<Encoded> = {}): Promise<Answer> {
    return this.stream(question, options).answer()
  }

  /** As `ask`, piece by piece. */
  stream(question: string, options: AskOptions<Encoded> = {}): AnswerStream {
    return new AnswerStream(this.#answer(question, options))
  }

  /** A conversation, which remembers its turns and pictures. */
  chat(options: Omit<AskOptions<Encoded>, 'history' | 'images'> = {}): Chat<Encoded> {
    return new Chat(this, this.#decode, options)
  }

  /** Frees all weights. */
  async dispose(): Promise<void> {
    await this.#finder?.dispose()
    await this.system.dispose()
  }

  async *#answer(question: string, options: AskOptions<Encoded>): AsyncGenerator<TextPiece, Answer> {
    const {
      images = [],
      tiling,
      compression,
      boxes: given,
      systemPrompt,
      history,
      signal,
      onEvent,
      ...generation
    } = options
    const began = performance.now()
    const seconds = () => (performance.now() - began) / 1000
    // Wrong options are said before anything is computed.
    generationSettings(generation, ownOptions)
    onEvent?.({ phase: 'preparing', done: 0, total: images.length })
    const pictures = await decodePictures(images, this.#decode)
    const { usesBoxes } = this.system
    const boxes = usesBoxes
      ? await boxesOf(pictures, given, this.#finder, { signal, onEvent })
      : (given || undefined)?.map((own) => own ?? [])
    const conversation: Conversation = {
      pictures,
      question,
      history,
      system: systemPrompt,
      tiling,
      compression,
      boxes,
    }
    const prepared = this.system.prepare(conversation)
    const prepare = seconds()
    const run: RunOptions = { signal, onEvent }
    const state = await this.system.start(prepared, run)
    try {
      const read = seconds()
      const decoder = state.length
      const answers = yield* generate(this.system, state, prepared.promptIds, generation, run)
      const total = seconds()
      return {
        text: answers[0]!.text,
        stopReason: answers[0]!.stopReason,
        answers,
        tokens: {
          prompt: prepared.promptIds.length,
          visual: prepared.pictures.reduce((sum, picture) => sum + picture.visualTokens, 0),
          decoder,
          reused: state.reusedTokens,
          answer: answers.reduce((sum, { ids }) => sum + ids.length, 0),
        },
        seconds: { ...state.timings, prepare, decode: total - read, total },
        pictures: prepared.pictures,
        layout: state.layout,
        question: prepared.question,
      }
    } finally {
      state.dispose()
    }
  }
}
