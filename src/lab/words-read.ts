/**
 * Which of the words on a page an answer reads, in their order: those of a longest common subsequence of both. A word left
 * out or made up costs no other word its place.
 */
export function wordsRead(written: readonly string[], answer: string): boolean[] {
  const read = answer.split(/\s+/).filter((word) => word !== '')
  // lengths[i][j]: the longest common subsequence of written from i on and read from j on.
  const lengths = Array.from({ length: written.length + 1 }, () => new Array<number>(read.length + 1).fill(0))
  for (let i = written.length - 1; i >= 0; i--)
    for (let j = read.length - 1; j >= 0; j--)
      lengths[i]![j] =
        written[i] === read[j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  const found = written.map(() => false)
  for (let i = 0, j = 0; i < written.length && j < read.length; ) {
    if (written[i] === read[j]) {
      found[i++] = true
      j++
    } else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++
    else j++
  }
  return found
}
