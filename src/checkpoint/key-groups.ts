/** Keys that differ only in their layer numbers. */
export interface KeyGroup {
  /** The common name, numbers folded: `layers.{0..23}.attn.qkv.bias`, `experts.{0,2,5}.w1`. */
  readonly pattern: string
  readonly keys: readonly string[]
}

/** Keys grouped by their names without numbers, in the order of each group's first key. */
export function groupByPattern(keys: readonly string[]): KeyGroup[] {
  const groups = groupBy(keys, (key) => key.replace(/(?<=^|\.)\d+(?=\.|$)/g, '#'))
  return [...groups.values()].map((members) => ({ pattern: patternOf(members), keys: members }))
}

/** Items by what `keyOf` says of them, in the order of each key's first: Map.groupBy, which Node 20 lacks. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

/** One name for keys that agree in all but their numeric parts. */
function patternOf(keys: readonly string[]): string {
  const columns = keys[0]!.split('.').map(() => new Set<string>())
  for (const key of keys) for (const [place, part] of key.split('.').entries()) columns[place]!.add(part)
  return columns.map((parts) => (parts.size === 1 ? [...parts][0]! : range([...parts].map(Number)))).join('.')
}

/** `{0..23}` for consecutive numbers, `{0,2,5}` for a few others, `{0..40, 12 of them}` for many. */
function range(numbers: number[]): string {
  const sorted = numbers.sort((a, b) => a - b)
  const [first, last] = [sorted[0]!, sorted.at(-1)!]
  if (last - first === sorted.length - 1) return `{${first}..${last}}`
  return sorted.length <= 6 ? `{${sorted.join(',')}}` : `{${first}..${last}, ${sorted.length} of them}`
}
