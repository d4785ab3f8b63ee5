/**
 * The known names that a misspelt or misplaced one most probably means, best first: those within a quarter
 * of its length in edits, then those that end in the same two or more dotted parts (another prefix).
 */
export function nearestKeys(wanted: string, known: Iterable<string>, count = 3): string[] {
  let bound = Math.min(12, Math.ceil(wanted.length / 4))
  const close: { key: string; distance: number }[] = []
  const alike: { key: string; shared: number }[] = []
  for (const key of known) {
    const distance = editDistance(wanted, key, bound)
    if (distance <= bound) {
      close.push({ key, distance })
      close.sort((a, b) => a.distance - b.distance)
      if (close.length > count) bound = close.pop()!.distance
      if (close.length === count) bound = close.at(-1)!.distance - 1
      continue
    }
    const shared = sharedEnding(wanted, key)
    if (shared < 2 || (alike.length === count && shared <= alike.at(-1)!.shared)) continue
    alike.push({ key, shared })
    alike.sort((a, b) => b.shared - a.shared)
    if (alike.length > count) alike.pop()
  }
  return [...close, ...alike].slice(0, count).map(({ key }) => key)
}

/**
 * The Levenshtein distance: insertions, deletions and replacements from `a` to `b`, by UTF-16 units of two texts or by
 * items of two lists; `bound + 1` for any number above the bound.
 */
export function editDistance(a: ArrayLike<string>, b: ArrayLike<string>, bound: number): number {
  if (bound < 0 || Math.abs(a.length - b.length) > bound) return bound + 1
  let row = Uint32Array.from({ length: b.length + 1 }, (_, j) => j)
  let next = new Uint32Array(b.length + 1)
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - bound)
    const to = Math.min(b.length, i + bound)
    next.fill(bound + 1)
    next[0] = i
    let smallest = from === 1 ? i : bound + 1
    for (let j = from; j <= to; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const best = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1)
      next[j] = best
      if (best < smallest) smallest = best
    }
    if (smallest > bound) return bound + 1
    const spare = row
    row = next
    next = spare
  }
  return Math.min(row[b.length]!, bound + 1)
}

/** How many dotted parts two names share at their ends. */
function sharedEnding(a: string, b: string): number {
  let same = 0
  let parts = 0
  while (same < a.length && same < b.length && a.at(-1 - same) === b.at(-1 - same)) {
    if (a.at(-1 - same) === '.') parts++
    same++
  }
  const isWhole = same === a.length ? b.at(-1 - same) === '.' : same === b.length && a.at(-1 - same) === '.'
  return isWhole ? parts + 1 : parts
}
