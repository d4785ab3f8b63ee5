/** Numbers evenly spread over [0, 1). */
export type Random = () => number

/**
 * The stream of random numbers that a seed and a row give: the same on every machine, and its own for every row, so
 * that a row's answer does not depend on how many others are drawn beside it. Chris Doty-Humphrey's sfc32 (PractRand),
 * its state filled from the seed by Austin Appleby's 32-bit MurmurHash3 finaliser.
 */
export function seededRandom(seed: number, row = 0): Random {
  let a = mix(seed >>> 0)
  let b = mix(Math.floor(seed / 2 ** 32) ^ 0x9e3779b9)
  let c = mix(row ^ 0x243f6a88)
  let counter = 1
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + t) | 0
    return (t >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 15; i++) next() // as PractRand does, so that near seeds part
  return next
}

/** A seed that no one chose. */
export function anySeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!
}

function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
