import type { Decoder } from '../../decoders/decoder.ts'
import { seededRandom } from '../../generate/random.ts'
import type { InternVlConfig } from '../../systems/internvl-config.ts'
import { InputError } from '../../tensor/errors.ts'
import { f32, type HostTensor } from '../../tensor/tensor.ts'
import { type Cells, CONTENTS, EMPTY } from './contents.ts'
import { PLACES } from './places.ts'

/** Two codes differ in a quarter of their signs, but in no more than this. */
const LEAST_DISTANCE = 7
/** With fewer channels a place has no room for codes that differ enough. */
const LEAST_WIDTH = 14

/**
 * How the letters of a visual token are written into its channels before anything is trained: each place has channels of
 * its own, in which each letter is a pattern of signs, and nothing is zeros. Behind these some channels say where in its
 * tile the token is, then one a place whether a word starts there, and the last ones, one a place, whether there is
 * anything: an encoder that sees a letter and is not sure which would else be near to nothing. Encoders learn to make these
 * codes of pixels, while decoders learn to read them, neither waiting for the other.
 */
export class CellCode {
  /** Channels of a visual token. */
  readonly width: number
  /** Channels of the letter of one place. */
  readonly placeWidth: number
  /** Visual tokens along a side of a tile. */
  readonly side: number
  /** [CONTENTS, placeWidth]; rows have the norm `NORM`, that of EMPTY 0. */
  readonly codes: HostTensor<'f32'>
  /** The first channel that says whether there is anything in a place. */
  readonly inkStart: number
  /** The first channel that says whether a word starts in a place. */
  readonly startsStart: number
  /** What the channels behind those of letters hold in each token of a tile, [side², startsStart − PLACES · placeWidth]. */
  readonly positions: HostTensor<'f32'>

  /** @throws InputError `cells-too-narrow` */
  constructor(width: number, side: number) {
    this.width = width
    this.side = side
    const behind = 2 * side + 2 * PLACES
    this.placeWidth = Math.floor(Math.min((width * 7) / 8, width - behind) / PLACES)
    if (this.placeWidth < LEAST_WIDTH)
      throw new InputError(
        'cells-too-narrow',
        `Codes of letters need visual tokens of ${LEAST_WIDTH * PLACES + behind} channels, but the decoder has ${width}.`,
        { width },
      )
    this.codes = f32([CONTENTS, this.placeWidth], signs(this.placeWidth))
    this.inkStart = width - PLACES
    this.startsStart = this.inkStart - PLACES
    const rest = this.startsStart - PLACES * this.placeWidth
    const positions = new Float32Array(side * side * rest)
    for (let token = 0; token < side * side; token++) {
      positions[token * rest + (Math.floor(token / side) % rest)] = 1
      positions[token * rest + ((side + (token % side)) % rest)] = 1
    }
    this.positions = f32([side * side, rest], positions)
  }

  /** The codes of visual tokens: cells [R, PLACES] → [R, width]; R is a multiple of a tile's tokens. */
  of({ contents, starts }: Cells): Float32Array<ArrayBuffer> {
    const { width, placeWidth, startsStart } = this
    const rest = startsStart - PLACES * placeWidth
    const rows = contents.length / PLACES
    const coded = new Float32Array(rows * width)
    for (let row = 0; row < rows; row++) {
      for (let place = 0; place < PLACES; place++) {
        const content = contents[row * PLACES + place]!
        const code = this.codes.data.subarray(content * placeWidth, (content + 1) * placeWidth)
        const { start, wordStart, ink } = this.channelsOf(row * PLACES + place)
        coded.set(code, start)
        coded[wordStart] = INK * starts[row * PLACES + place]!
        coded[ink] = content === EMPTY ? 0 : INK
      }
      const token = row % this.side ** 2
      coded.set(
        this.positions.data.subarray(token * rest, (token + 1) * rest),
        row * width + PLACES * placeWidth,
      )
    }
    return coded
  }

  /**
   * Of a place of visual tokens [R, width] the first channel of its letter, and those that say whether a word starts there and
   * whether there is anything.
   */
  channelsOf(place: number): { readonly start: number; readonly wordStart: number; readonly ink: number } {
    const token = Math.floor(place / PLACES) * this.width
    const inToken = place % PLACES
    return {
      start: token + inToken * this.placeWidth,
      wordStart: token + this.startsStart + inToken,
      ink: token + this.inkStart + inToken,
    }
  }

  /** From what a place of visual tokens [R, width] holds to the codes of all contents, squared. */
  distances(tokens: Float32Array, place: number): number[] {
    const { placeWidth, codes } = this
    const { start, ink } = this.channelsOf(place)
    return Array.from({ length: CONTENTS }, (_, content) => {
      let distance = (tokens[ink]! - (content === EMPTY ? 0 : INK)) ** 2
      for (let i = 0; i < placeWidth; i++)
        distance += (tokens[start + i]! - codes.data[content * placeWidth + i]!) ** 2
      return distance
    })
  }
}

/** The code of a model's visual tokens. */
export function cellCode(config: InternVlConfig, decoder: Decoder): CellCode {
  const side = (config.tileSize / config.vision_config.patch_size) * config.downsample_ratio
  return new CellCode(decoder.hiddenSize, side)
}

/** Of a code that stands for something. */
export const NORM = 2
/** Where there is anything, and where a word starts. */
export const INK: number = Math.SQRT2

function signs(length: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(1, 0)
  const codes: number[][] = []
  // Short codes, of small models, cannot all be far apart.
  for (let tries = 0; codes.length < CONTENTS - 1; tries++) {
    const code = Array.from({ length }, () => (random() < 0.5 ? -1 : 1))
    const distance = Math.max(
      1,
      Math.min(LEAST_DISTANCE, Math.floor(length / 4)) - Math.floor(tries / 20_000),
    )
    if (codes.every((other) => differing(code, other) >= distance)) codes.push(code)
  }
  const table = new Float32Array(CONTENTS * length)
  for (const [i, code] of codes.entries())
    table.set(
      code.map((sign) => (sign * NORM) / Math.sqrt(length)),
      (EMPTY + 1 + i) * length,
    )
  return table
}

function differing(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, sign, i) => sum + Number(sign !== b[i]), 0)
}
