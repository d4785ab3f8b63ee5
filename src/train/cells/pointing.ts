import { lastTokens } from '../../decoders/block.ts'
import type { BlockResult, Decoder } from '../../decoders/decoder.ts'
import type { Dim } from '../../graph/dim.ts'
import {
  add,
  expand,
  logSoftmax,
  matmulTransposed,
  mul,
  neg,
  reshape,
  rmsNormalise,
  slice,
  sum,
  takeLast,
} from '../../graph/ops/index.ts'
import { constant, input, type Tensor } from '../../graph/tensor.ts'
import type { Weights } from '../../graph/weights.ts'
import { groupedScores } from '../../nn/attention.ts'
import { GraphError } from '../../tensor/errors.ts'
import { f32, type HostTensor, i64 } from '../../tensor/tensor.ts'
import { IGNORED } from '../../text/labels.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { firstLabelled } from '../causal-loss.ts'
import type { LabelledRow, Rows } from '../collate.ts'
import type { OnLayer } from '../decoder-graph.ts'
import { visualLoss } from '../visual-loss.ts'
import { NOWHERE, PLACES } from './places.ts'

/** A labelled text, and where to look. */
export interface PointedRow extends LabelledRow {
  /** For each token, where the next one is shown (`pointedPlaces`). */
  readonly pointed: readonly number[]
  /** For each token of a question, where it is shown itself (`namedTokens`). */
  readonly named: readonly number[]
}

/** How much the look at an answer's first letter counts: to find it is harder than to read on from it. */
const FINDING = 5

/** Layers behind the one that points: one tells which place of the token the letter is in, the next which letter it is. */
const BEHIND = 2
/** Layers before it: one finds what a question names, the next takes it to where the answer begins. */
const BEFORE = 2

/**
 * The loss of answers, and those of where the decoder looks while it reads them off: all heads of its last layer but two learn to
 * attend to the visual token that shows the next letter, the layer behind it to tell in which of the token's places that letter is.
 * Half of the heads of an earlier layer learn to find the words of a question on the picture: values stand beside what they are
 * called. From answers alone a small decoder finds out only slowly that it has to look somewhere. features [R, H] → [].
 */
export function pointedLoss(w: Weights, decoder: Decoder, features: Tensor): Tensor {
  const looks = new Looks(decoder)
  const answers = visualLoss(w, decoder, features, looks)
  const { scores, places, names } = looks.found
  const [B, , Q] = scores.shape as [Dim, number, Dim]
  const [tokens, inToken, named] = ['pointed', 'pointedPlaces', 'named'].map((name) =>
    input(name, 'i64', [B, Q]),
  )
  const weights = input('pointedWeights', 'f32', [B, Q])
  const looking = add(pointedEntropy(scores, tokens!, weights), pointedEntropy(places, inToken!, weights))
  const naming = pointedEntropy(names, named!, input('namedWeights', 'f32', [B, Q]))
  return add(answers, add(looking, naming))
}

/** What a decoder makes of the last Q tokens while it reads. */
export interface Look {
  /** Attention before the softmax, [B, heads, Q, T]. */
  readonly scores: Tensor
  /** Logits of the places of a visual token, [B, 1, Q, PLACES]. */
  readonly places: Tensor
  /** Attention of the heads that find what a question names, before the softmax, [B, half of the heads, Q, T]. */
  readonly names: Tensor
}

/** Catches where a decoder looks as its graph is traced. */
export class Looks {
  readonly #pointing: number
  readonly #layers: number
  #scores: Tensor | undefined
  #places: Tensor | undefined
  #names: Tensor | undefined

  constructor({ layers }: Pick<Decoder, 'layers'>) {
    this.#layers = layers
    this.#pointing = Math.max(0, layers - BEHIND - 1)
  }

  readonly onLayer: OnLayer = (layer, given, lastMask) => {
    if (layer === Math.max(0, this.#pointing - BEFORE))
      this.#names = halfOfHeads(attentionScores(given, lastMask))
    if (layer === this.#pointing) this.#scores = attentionScores(given, lastMask)
    if (layer === Math.min(this.#pointing + 1, this.#layers - 1)) this.#places = placeLogits(given, lastMask)
  }

  get found(): Look {
    if (!this.#scores || !this.#places || !this.#names)
      throw new GraphError('layer-missing', 'The decoder was not traced.')
    return { scores: this.#scores, places: this.#places, names: this.#names }
  }
}

/** What the softmax of attention is given, of the last Q tokens. → [B, heads, Q, T] */
function attentionScores({ query, key }: BlockResult, lastMask: Tensor): Tensor {
  const [B, heads] = query!.shape as [Dim, number]
  const [, Q, T] = lastMask.shape as [Dim, Dim, Dim]
  return reshape(groupedScores(lastTokens(query!, 2, Q), key, lastMask), [B, heads, Q, T])
}

function halfOfHeads(scores: Tensor): Tensor {
  return slice(scores, 1, 0, Math.ceil((scores.shape[1] as number) / 2))
}

/** How much a state [B, T, H] lies in the direction that stands for each place; the directions are at right angles. */
function placeLogits({ output }: BlockResult, lastMask: Tensor): Tensor {
  const [B, , H] = output.shape as [Dim, Dim, number]
  const Q = lastMask.shape[1]!
  const ones = constant(f32([H], new Float32Array(H).fill(1)))
  const last = rmsNormalise(lastTokens(output, 1, Q), ones, 1e-5)
  const directions = Float32Array.from({ length: PLACES * H }, (_, i) => {
    const [place, channel] = [Math.floor(i / H), i % H]
    return ((channel >> place) & 1 ? -1 : 1) / Math.sqrt(H)
  })
  return reshape(matmulTransposed(last, constant(f32([PLACES, H], directions))), [B, 1, Q, PLACES])
}

/** Cross entropy of logits [B, heads, Q, …], mean over heads, for targets and weights [B, Q]. → [] */
function pointedEntropy(logits: Tensor, targets: Tensor, weights: Tensor): Tensor {
  const [B, heads, Q] = logits.shape as [Dim, number, Dim]
  const at = expand(reshape(targets, [B, 1, Q, 1]), [B, heads, Q, 1])
  const chosen = takeLast(logSoftmax(logits), at)
  return neg(sum(mul(chosen, mul(reshape(weights, [B, 1, Q, 1]), 1 / heads))))
}

/**
 * The inputs of `pointedLoss` beside those of the answers' loss, for samples whose texts are `rows`; and in the place of its weights
 * others, since a colour of one token is an answer as much as an address of twenty.
 */
export function pointingFeeds(
  samples: readonly PointedRow[],
  { labels }: Pick<Rows, 'labels'>,
): Record<'pointed' | 'pointedPlaces' | 'pointedWeights' | 'named' | 'namedWeights' | 'weights', HostTensor> {
  const first = firstLabelled(labels)
  const looks = labels.flatMap((row, b) =>
    row.slice(first).map((label, q) => {
      const look = samples[b]!.pointed[first + q] ?? NOWHERE
      const isFirst = label === IGNORED && look !== NOWHERE
      return { at: Math.max(0, look), weight: look === NOWHERE ? 0 : isFirst ? FINDING : 1 }
    }),
  )
  const shape = [labels.length, looks.length / labels.length]
  const total = looks.reduce((sum, { weight }) => sum + weight, 0)
  const named = labels.flatMap((row, b) =>
    row.slice(first).map((_, q) => samples[b]!.named[first + q] ?? NOWHERE),
  )
  const names = named.filter((at) => at !== NOWHERE).length
  return {
    pointed: i64(
      shape,
      looks.map(({ at }) => Math.floor(at / PLACES)),
    ),
    pointedPlaces: i64(
      shape,
      looks.map(({ at }) => at % PLACES),
    ),
    pointedWeights: f32(
      shape,
      looks.map(({ weight }) => (weight === 0 ? 0 : weight / total)),
    ),
    named: i64(
      shape,
      named.map((at) => Math.max(0, at)),
    ),
    namedWeights: f32(
      shape,
      named.map((at) => (at === NOWHERE ? 0 : 1 / names)),
    ),
    weights: answerWeights(labels),
  }
}

/**
 * Of each labelled token of `causalTargets`: each of an answer's n tokens counts 1/√n, all together 1. Source: "square
 * averaging", InternVL 2.5 (arXiv 2412.05271).
 */
function answerWeights(labels: readonly (readonly number[])[]): HostTensor<'f32'> {
  const counts = labels.flatMap((row) => {
    const answers: number[] = []
    for (const [t, label] of row.entries()) {
      if (t === 0 || label === IGNORED) continue
      if (row[t - 1] === IGNORED || t === 1) answers.push(0)
      answers[answers.length - 1]!++
    }
    return answers.flatMap((count) => Array<number>(count).fill(1 / Math.sqrt(count)))
  })
  const total = counts.reduce((sum, weight) => sum + weight, 0)
  return f32([Math.max(1, counts.length)], counts.length === 0 ? [0] : counts.map((weight) => weight / total))
}

/**
 * For each token of a sequence where the letter is that comes next, behind a word's end the next word's first one: PLACES times the
 * place of its visual token in the sequence, plus its place there; or NOWHERE.
 * @param read of each answer, for each letter that it is read off the place that shows it
 */
export function pointedPlaces(
  { inputIds, labels }: LabelledRow,
  read: readonly (readonly number[] | undefined)[],
  tokenizer: Tokenizer,
  contextId: number,
): number[] {
  const visual = visualPlaces(inputIds, contextId)
  const pointed = Array<number>(inputIds.length).fill(NOWHERE)
  let answer = -1
  let letters = 0
  for (const [place, label] of labels.entries()) {
    if (label === IGNORED) continue
    if (labels[place - 1] === IGNORED) {
      answer++
      letters = 0
    }
    const look = read[answer]?.[letters] ?? NOWHERE
    const token = visual[Math.floor(look / PLACES)]
    if (look !== NOWHERE && token !== undefined) pointed[place - 1] = token * PLACES + (look % PLACES)
    const piece = tokenizer.tokenOf(label) ?? ''
    // Letters that fall apart into bytes cannot be counted.
    letters += piece.startsWith('<0x')
      ? Number.POSITIVE_INFINITY
      : [...piece.replace(/[\u2581\s]/g, '')].length
  }
  return pointed
}

/** Where in a sequence its visual tokens stand. */
export function visualPlaces(inputIds: readonly number[], contextId: number): number[] {
  return inputIds.flatMap((id, place) => (id === contextId ? [place] : []))
}
