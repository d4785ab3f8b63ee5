import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

/** How a checkpoint's `rope_scaling` stretches the rotary positions. */
export type RopeScaling =
  | { readonly type: 'none' }
  | { readonly type: 'linear'; readonly factor: number }
  /** NTK-aware: the base grows once a sequence is longer than the model was made for. */
  | { readonly type: 'dynamic'; readonly factor: number }
  /** LongRoPE (`su`) and Phi-3's `yarn`: a factor for every frequency, and a magnitude for the tables. */
  | {
      readonly type: 'su' | 'yarn'
      readonly shortFactors: readonly number[]
      readonly longFactors: readonly number[]
      readonly originalMaxPositions: number
    }

export interface Rope {
  readonly headSize: number
  readonly theta: number
  readonly maxPositions: number
  readonly scaling: RopeScaling
}

/** Cosines and sines, [B, T, D/2] each. */
export interface RotaryTables {
  readonly cos: HostTensor<'f32'>
  readonly sin: HostTensor<'f32'>
}

/**
 * The rotary tables of one conversation. The official dynamic scaling remembers the longest sequence that it has
 * seen: cached keys keep the base they were made with, and a later shorter prompt still uses the enlarged base. So one
 * object a conversation behaves as a fresh official model, and one object kept for several as that model kept.
 * Source: InternLM2 and Phi-3 modelling files; golden cases `internvl-internlm2`, `internvl-chat-phi3`.
 */
export class RotaryState {
  readonly #rope: Rope
  #longestSeen: number

  constructor(rope: Rope) {
    this.#rope = rope
    this.#longestSeen = rope.maxPositions
  }

  /** Which frequencies a call would use: calls of one regime give keys that fit together. */
  regime(totalLength: number, lastPosition: number): string {
    const { scaling, maxPositions } = this.#rope
    const longest = Math.max(this.#longestSeen, totalLength)
    if (scaling.type === 'dynamic' && longest > maxPositions) return `base for ${longest}`
    return usesLongFactors(scaling, lastPosition) ? 'long' : 'plain'
  }

  /**
   * Tables for the new tokens of one call, whose frequencies are chosen once, in however many chunks it is run.
   * @param totalLength cached tokens and all new ones of the call together
   * @param lastPosition the highest position of the call
   * @returns what gives the tables for the positions of each row's next tokens
   */
  call(
    totalLength: number,
    lastPosition: number,
  ): (positions: readonly (readonly number[])[]) => RotaryTables {
    this.#longestSeen = Math.max(this.#longestSeen, totalLength)
    const frequencies = inverseFrequencies(this.#rope, this.#longestSeen, lastPosition)
    const magnitude = Math.fround(tableMagnitude(this.#rope))
    const divisor = this.#rope.scaling.type === 'linear' ? this.#rope.scaling.factor : 1
    return (positions) => {
      const [B, T, half] = [positions.length, positions[0]!.length, this.#rope.headSize / 2]
      const cos = new Float32Array(B * T * half)
      const sin = new Float32Array(B * T * half)
      let at = 0
      for (const row of positions)
        for (const position of row) {
          const scaled = Math.fround(position / divisor)
          for (let k = 0; k < half; k++, at++) {
            // The official tables are float32 products; at position 5000 the rounding is visible in the third digit.
            const angle = Math.fround(scaled * frequencies[k]!)
            cos[at] = Math.fround(Math.cos(angle)) * magnitude
            sin[at] = Math.fround(Math.sin(angle)) * magnitude
          }
        }
      return { cos: hostTensor('f32', [B, T, half], cos), sin: hostTensor('f32', [B, T, half], sin) }
    }
  }

  /** Tables for a call that is run whole. @param positions of each row's new tokens */
  tables(positions: readonly (readonly number[])[], totalLength: number): RotaryTables {
    return this.call(totalLength, highest(positions))(positions)
  }
}

/** The highest of all positions. */
export function highest(positions: readonly (readonly number[])[]): number {
  return positions.reduce((most, row) => row.reduce((m, p) => Math.max(m, p), most), 0)
}

function inverseFrequencies(rope: Rope, longest: number, lastPosition: number): Float32Array {
  const { headSize, maxPositions, scaling } = rope
  let { theta } = rope
  if (scaling.type === 'dynamic' && longest > maxPositions) {
    const growth = (scaling.factor * longest) / maxPositions - (scaling.factor - 1)
    theta *= growth ** (headSize / (headSize - 2))
  }
  const factors = frequencyFactors(scaling, lastPosition)
  return Float32Array.from({ length: headSize / 2 }, (_, k) => {
    const power = Math.fround(theta ** ((2 * k) / headSize))
    return 1 / Math.fround((factors?.[k] ?? 1) * power)
  })
}

/** LongRoPE's switch: the whole call uses the long factors when any of its positions needs them. */
function usesLongFactors(scaling: RopeScaling, lastPosition: number): boolean {
  return 'originalMaxPositions' in scaling && lastPosition + 1 > scaling.originalMaxPositions
}

function frequencyFactors(scaling: RopeScaling, lastPosition: number): readonly number[] | undefined {
  if (scaling.type !== 'su' && scaling.type !== 'yarn') return undefined
  return usesLongFactors(scaling, lastPosition) ? scaling.longFactors : scaling.shortFactors
}

function tableMagnitude({ scaling, maxPositions }: Rope): number {
  if (scaling.type !== 'su' && scaling.type !== 'yarn') return 1
  const stretch = maxPositions / scaling.originalMaxPositions
  if (stretch <= 1) return 1
  return scaling.type === 'su'
    ? Math.sqrt(1 + Math.log(stretch) / Math.log(scaling.originalMaxPositions))
    : 0.1 * Math.log(stretch) + 1
}
