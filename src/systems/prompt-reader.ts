import type { DecoderPrograms } from '../decoders/programs.ts'
import { DecoderSequence, tokenRange } from '../decoders/sequence.ts'
import type { Program } from '../runtime/program.ts'
import { stopwatch } from '../runtime/stopwatch.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { PrefixCache, type TokenIdentity } from './prefix-cache.ts'
import { PromptState } from './prompt-state.ts'
import type { DecodingState, PreparedConversation, RunOptions, VisualLayout } from './system.ts'
import { TokenIdentities } from './token-identity.ts'
import { padLeft, selectTokens, writeVisualTokens } from './visual-input.ts'

/** What a system brings to the reading of prompts. */
export interface PromptReaderParts<P extends PreparedConversation = PreparedConversation> {
  readonly programs: DecoderPrograms
  /** The id in `promptIds` that stands for a visual token; it need not be in the vocabulary. */
  readonly placeholderId: number
  /** What fills the left of shorter prompts in a batch. */
  readonly padId: number
  /** What `encode` runs: programs besides the decoder's, which rest while no picture is encoded. */
  readonly encoders: readonly Program[]
  /** The visual tokens of a conversation that has pictures, in the order of their placeholders: [..., H]. */
  readonly encode: (prepared: P, run: RunOptions) => Promise<HostTensor<'f32'>>
  /** Which positions of the embedded prompt [1, L, H] the decoder reads; all by default. */
  readonly compress?: (prepared: P, embeddings: HostTensor<'f32'>, run: RunOptions) => Promise<VisualLayout>
}

/**
 * The road from prepared conversations to their first logits, the same for every system whose visual tokens replace
 * placeholders of the prompt: encode the pictures → embed the text → insert the tokens → prefill. A single prompt that
 * begins as the last one did reads only what is new.
 */
export class PromptReader<P extends PreparedConversation = PreparedConversation> {
  readonly #parts: PromptReaderParts<P>
  readonly #prefixes = new PrefixCache()
  readonly #identities = new TokenIdentities()
  /** Calls that may still encode a picture. */
  #encoding = 0

  constructor(parts: PromptReaderParts<P>) {
    this.#parts = parts
  }

  /** Reads several prompts together, padded at the left to the longest. @throws AbortError `aborted` */
  async read(batch: readonly P[], run: RunOptions = {}): Promise<DecodingState> {
    const { programs, padId, placeholderId } = this.#parts
    const clock = stopwatch()
    const { rows, layouts, seconds } = await this.#embedAll(batch, run, clock)
    const { embeddings, padding } = padLeft(rows, await programs.embed([[padId]]))
    const only = batch.length === 1 ? batch[0]! : undefined
    const tokens = only && (await this.#identities.of(only, placeholderId, layouts[0]!.keptPositions))
    const shared = tokens && this.#prefixes.take(tokens)
    // The kept sequence is freed before another is filled: both may be large.
    if (!shared) this.#prefixes.clear()
    const held = shared?.length ?? 0
    const total = embeddings.shape[1]!
    const sequence = shared?.sequence ?? new DecoderSequence(programs, { padding })
    run.onEvent?.({ phase: 'prefill', done: held, total })
    const { hidden, taps } = await sequence.extend(tokenRange(embeddings, held, total), {
      signal: run.signal,
      lastOnly: true,
      onTokens: (done) => run.onEvent?.({ phase: 'prefill', done: held + done, total }),
    })
    const release = tokens && ((held: readonly TokenIdentity[]) => this.#prefixes.give(sequence, held))
    const state = new PromptState(
      sequence,
      layouts,
      taps,
      tokens && release ? { tokens, release } : undefined,
    )
    await state.readLogits(hidden)
    state.reusedTokens = held
    state.timings = { prepare: 0, ...seconds, prefill: clock() }
    return state
  }

  /** What the decoder reads of each prompt, [1, L, H]; then the encoders rest. */
  async #embedAll(batch: readonly P[], run: RunOptions, clock: () => number) {
    const { compress, encoders } = this.#parts
    const seconds = { encode: 0, compress: 0 }
    const rows: HostTensor<'f32'>[] = []
    const layouts: VisualLayout[] = []
    this.#encoding++
    try {
      for (const prepared of batch) {
        const embeddings = await this.embed(prepared, run)
        seconds.encode += clock()
        const layout = (await compress?.(prepared, embeddings, run)) ?? prepared.layout
        layouts.push(layout)
        const { keptPositions } = layout
        rows.push(keptPositions ? await selectTokens(embeddings, keptPositions) : embeddings)
        seconds.compress += clock()
      }
    } finally {
      this.#encoding--
      if (this.#encoding === 0) await Promise.all(encoders.map((encoder) => encoder.rest()))
    }
    return { rows, layouts, seconds }
  }

  /** The prompt with its visual tokens, [1, L, H]. */
  async embed(prepared: P, run: RunOptions = {}): Promise<HostTensor<'f32'>> {
    const { programs, placeholderId, padId, encode } = this.#parts
    const { promptIds, tileCount } = prepared
    const features = tileCount > 0 ? await encode(prepared, run) : undefined
    // A placeholder may be no word of the vocabulary, and its own embedding is not used.
    const embeddings = await programs.embed([promptIds.map((id) => (id === placeholderId ? padId : id))])
    if (features) await writeVisualTokens(embeddings, features, promptIds, placeholderId)
    return embeddings
  }
}
