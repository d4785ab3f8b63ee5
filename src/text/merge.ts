/** What a byte-pair encoder knows about two neighbours. Symbols and rules are small integers. */
export interface MergeRules {
  /** The rule that merges the pair, or −1. */
  find(left: number, right: number): number
  /** The rule's priority: the lowest in a sequence goes first, the leftmost among equals. */
  rank(rule: number): number
  /** The symbol that the rule makes. */
  result(rule: number): number
  /**
   * Whether pairs that a merge makes wait until every pair of the same rank is done, as GPT-2's reference
   * loop does; SentencePiece lets them compete at once. The two differ only for merge lists that no training
   * makes.
   */
  readonly waits: boolean
}

/** Two neighbours that a rule would merge; stale as soon as one of them has another age. */
interface Pair {
  readonly rank: number
  readonly left: number
  readonly right: number
  readonly rule: number
  readonly leftAge: number
  readonly rightAge: number
}

const precedes = (a: Pair, b: Pair): boolean => a.rank < b.rank || (a.rank === b.rank && a.left < b.left)

function pushPair(heap: Pair[], pair: Pair): void {
  let at = heap.length
  heap.push(pair)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]!
    if (!precedes(pair, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = pair
}

function popPair(heap: Pair[]): Pair {
  const top = heap[0]!
  const moved = heap.pop()!
  if (heap.length === 0) return top
  let at = 0
  for (let below = 1; below < heap.length; below = 2 * at + 1) {
    if (below + 1 < heap.length && precedes(heap[below + 1]!, heap[below]!)) below++
    const child = heap[below]!
    if (!precedes(child, moved)) break
    heap[at] = child
    at = below
  }
  heap[at] = moved
  return top
}

/**
 * The symbols after all merges, in O(n log n). Source: SentencePiece `bpe_model.cc`, and GPT-2's
 * `encoder.py`, whose loop gives the same sequence.
 */
export function mergeSymbols(symbols: readonly number[], rules: MergeRules): number[] {
  const count = symbols.length
  if (count < 2) return [...symbols]
  const values = Int32Array.from(symbols)
  const previous = Int32Array.from(symbols, (_, i) => i - 1)
  const next = Int32Array.from(symbols, (_, i) => i + 1)
  const age = new Int32Array(count) // merges so far; −1 once merged into its left neighbour
  const heap: Pair[] = []
  const consider = (left: number, right: number): void => {
    const rule = rules.find(values[left]!, values[right]!)
    if (rule < 0) return
    const rank = rules.rank(rule)
    pushPair(heap, { rank, left, right, rule, leftAge: age[left]!, rightAge: age[right]! })
  }
  for (let right = 1; right < count; right++) consider(right - 1, right)

  let made: number[] = [] // symbols whose pairs with both neighbours are still to be considered
  while (heap.length > 0) {
    const { rank, left, right, rule, leftAge, rightAge } = popPair(heap)
    if (age[left] === leftAge && age[right] === rightAge) {
      values[left] = rules.result(rule)
      age[left] = leftAge + 1
      age[right] = -1
      next[left] = next[right]!
      if (next[left]! < count) previous[next[left]!] = left
      made.push(left)
    }
    if (rules.waits && heap[0]?.rank === rank) continue
    for (const symbol of made) {
      if (age[symbol]! < 0) continue
      if (previous[symbol]! >= 0) consider(previous[symbol]!, symbol)
      if (next[symbol]! < count) consider(symbol, next[symbol]!)
    }
    made = []
  }
  const merged: number[] = []
  for (let i = 0; i < count; i = next[i]!) merged.push(values[i]!)
  return merged
}
