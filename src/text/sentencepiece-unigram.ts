import type { Piece } from './sentencepiece-model.ts'

/** What an unknown character costs below the worst piece. */
const UNKNOWN_PENALTY = 10
/**
 * The largest score starts from the smallest positive float32 in the official code, and so never falls below.
 */
const LEAST_MAX_SCORE = 2 ** -126

/**
 * Finds the pieces whose scores have the greatest sum (Viterbi), in float32 as the official code adds them.
 * Source: google/sentencepiece, `unigram_model.cc`, `EncodeOptimized`.
 */
export class PieceLattice {
  readonly #scores: Float64Array
  readonly #unknownScore: number
  /** A trie over UTF-16 units: node × 65536 + unit → node. */
  readonly #edges = new Map<number, number>()
  /** The piece that ends at a node. */
  readonly #pieceAt = new Map<number, number>()

  constructor(pieces: readonly Piece[]) {
    const normal = pieces.filter(({ type }) => type === 'normal').map(({ score }) => score)
    const least = normal.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const greatest = normal.reduce((a, b) => Math.max(a, b), LEAST_MAX_SCORE)
    this.#unknownScore = Math.fround(least - UNKNOWN_PENALTY)
    this.#scores = Float64Array.from(pieces, ({ text, score, type }) =>
      // A user-defined piece is given a bonus that lets it always win.
      type === 'user-defined' ? new TextEncoder().encode(text).length * greatest - 0.1 : score,
    )
    let nodes = 1
    for (const [id, { text, type }] of pieces.entries()) {
      if (type !== 'normal' && type !== 'user-defined') continue
      let node = 0
      for (let i = 0; i < text.length; i++) {
        const edge = node * 65536 + text.charCodeAt(i)
        let child = this.#edges.get(edge)
        if (child === undefined) {
          child = nodes++
          this.#edges.set(edge, child)
        }
        node = child
      }
      this.#pieceAt.set(node, id)
    }
  }

  /** The pieces of normalised text: an id, or the text of a character that is no piece. */
  find(normal: string): (number | string)[] {
    const count = normal.length
    const score = new Float32Array(count + 1)
    const start = new Int32Array(count + 1).fill(-1)
    const piece = new Int32Array(count + 1)
    const reach = (end: number, from: number, candidate: number, id: number): void => {
      if (start[end] !== -1 && candidate <= score[end]!) return
      score[end] = candidate
      start[end] = from
      piece[end] = id
    }
    for (let from = 0; from < count; ) {
      const next = from + (normal.codePointAt(from)! > 0xffff ? 2 : 1)
      let node: number | undefined = 0
      let hasCharacter = false
      for (let end = from; end < count; ) {
        node = this.#edges.get(node * 65536 + normal.charCodeAt(end))
        if (node === undefined) break
        end++
        const id = this.#pieceAt.get(node)
        if (id === undefined) continue
        reach(end, from, Math.fround(this.#scores[id]! + score[from]!), id)
        hasCharacter ||= end === next
      }
      if (!hasCharacter) reach(next, from, Math.fround(this.#unknownScore + score[from]!), -1)
      from = next
    }
    const found: (number | string)[] = []
    for (let end = count; end > 0; end = start[end]!)
      found.push(piece[end] === -1 ? normal.slice(start[end], end) : piece[end]!)
    return found.reverse()
  }
}
