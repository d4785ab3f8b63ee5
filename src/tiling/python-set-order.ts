import type { Grid } from './plan.ts'

/**
 * The candidate grids (columns, rows) with `min` ≤ columns·rows ≤ `max`, in the order in which the published
 * code scans them: by product, and equal products in the iteration order of a CPython set, which decides real
 * ties.
 * The set is emulated: the hash of a pair of small integers, open addressing, growth. Source: CPython 3.8+,
 * Objects/tupleobject.c and Objects/setobject.c; golden case `internvl-tiling` (`candidate_order`).
 */
export function candidateGrids(min: number, max: number): readonly Grid[] {
  const key = `${min}-${max}`
  let grids = known.get(key)
  if (!grids) {
    grids = setOrder(insertionOrder(min, max)).sort((a, b) => a.columns * a.rows - b.columns * b.rows)
    known.set(key, grids)
  }
  return grids
}

const known = new Map<string, Grid[]>()

/**
 * Pairs as `for n in min..max, c in 1..n, r in 1..n` first meets them: round n adds those whose longer side
 * is n.
 */
function insertionOrder(min: number, max: number): Grid[] {
  const pairs: Grid[] = []
  for (let n = min; n <= max; n++)
    for (let columns = 1; columns <= n; columns++)
      for (let rows = n === min || columns === n ? 1 : n; rows <= n; rows++) {
        if (columns * rows > max) break
        if (columns * rows >= min) pairs.push({ columns, rows })
      }
  return pairs
}

const MASK_64 = (1n << 64n) - 1n

/** CPython's hash of a tuple of two small integers (xxHash with one lane), as 64 unsigned bits. */
function pairHash({ columns, rows }: Grid): bigint {
  let sum = 2870177450012600261n
  for (const value of [columns, rows]) {
    sum = (sum + BigInt(value) * 14029467366897019727n) & MASK_64
    sum = ((sum << 31n) | (sum >> 33n)) & MASK_64
    sum = (sum * 11400714785074694791n) & MASK_64
  }
  return (sum + (2n ^ 2870177450012600261n ^ 3527539n)) & MASK_64
}

interface Entry {
  readonly grid: Grid
  readonly hash: bigint
}

/** The iteration order of a set that the pairs, all different, were added to one by one. */
function setOrder(pairs: readonly Grid[]): Grid[] {
  let slots: (Entry | undefined)[] = Array(8).fill(undefined)
  for (const [index, grid] of pairs.entries()) {
    insert(slots, { grid, hash: pairHash(grid) })
    const used = index + 1
    if (used * 5 < (slots.length - 1) * 3) continue
    const old = slots
    let size = 8
    while (size <= used * (used > 50_000 ? 2 : 4)) size *= 2
    slots = Array(size).fill(undefined)
    for (const entry of old) if (entry) insert(slots, entry)
  }
  return slots.flatMap((entry) => (entry ? [entry.grid] : []))
}

/** Ten neighbouring slots at a time while they fit, then a jump that mixes in the hash's upper bits. */
function insert(slots: (Entry | undefined)[], entry: Entry): void {
  const mask = BigInt(slots.length - 1)
  let perturb = entry.hash
  let start = Number(entry.hash & mask)
  for (;;) {
    const end = start + 9 <= slots.length - 1 ? start + 9 : start
    for (let slot = start; slot <= end; slot++)
      if (slots[slot] === undefined) {
        slots[slot] = entry
        return
      }
    perturb >>= 5n
    start = Number((BigInt(start) * 5n + 1n + perturb) & mask)
  }
}
