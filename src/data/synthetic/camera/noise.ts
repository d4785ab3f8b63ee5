import type { Dice } from '../dice.ts'

/** Smooth noise over the plane, about −1 to 1, that changes over a distance of about 1. */
export type Noise = (x: number, y: number) => number

const SIDE = 64

/** Value noise on a repeating lattice, smoothly interpolated. */
export function valueNoise(dice: Dice): Noise {
  const lattice = Float32Array.from({ length: SIDE * SIDE }, () => dice.float(-1, 1))
  return (x, y) => {
    const x0 = Math.floor(x)
    const y0 = Math.floor(y)
    const u = smooth(x - x0)
    const v = smooth(y - y0)
    const left = x0 & (SIDE - 1)
    const right = (x0 + 1) & (SIDE - 1)
    const top = (y0 & (SIDE - 1)) * SIDE
    const bottom = ((y0 + 1) & (SIDE - 1)) * SIDE
    const above = lattice[top + left]! * (1 - u) + lattice[top + right]! * u
    const below = lattice[bottom + left]! * (1 - u) + lattice[bottom + right]! * u
    return above * (1 - v) + below * v
  }
}

/** Noise with finer noise on top, each octave half as strong. */
export function fractal(noise: Noise, octaves: number): Noise {
  return (x, y) => {
    let sum = 0
    let strength = 0.5
    let scale = 1
    for (let octave = 0; octave < octaves; octave++) {
      sum += strength * noise(x * scale + octave * 17, y * scale + octave * 31)
      strength /= 2
      scale *= 2
    }
    return sum
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t)
}

/** Quick evenly spread noise for pixels, −1 to 1: Marsaglia's xorshift32 from a seed that is not 0. */
export function grain(dice: Dice): () => number {
  let state = dice.int(1, 2 ** 31 - 1)
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}
