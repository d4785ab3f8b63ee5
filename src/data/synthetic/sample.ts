import type { ImageData } from '@napi-rs/canvas'
import { type RgbImage, rgbImage } from '../../image/rgb-image.ts'
import { type Photograph, photograph, type Subject } from './camera/photograph.ts'
import { Dice } from './dice.ts'
import { type FontSet, fontBook } from './faces.ts'
import type { Asked, Composition } from './kind.ts'
import { type Kind, kinds } from './kinds.ts'
import type { Box } from './page.ts'
import { wear } from './paper.ts'

/** One question of a finished picture. */
export interface SyntheticQuestion {
  readonly form: string
  readonly question: string
  readonly answer: string
  /** What the answer rests on, in the picture's pixels: left, top, right, bottom. */
  readonly boxes: readonly Box[]
  readonly isRead: boolean
}

/** A picture with its questions. */
export interface SyntheticSample {
  readonly kind: Kind
  readonly width: number
  readonly height: number
  readonly jpeg: () => Promise<Uint8Array>
  /** The pixels before the JPEG. */
  readonly rgb: () => RgbImage
  readonly questions: readonly SyntheticQuestion[]
  /** The page before the camera, its marks in its own pixels. */
  readonly composition: Composition
  readonly photograph: Photograph
}

export interface SampleOptions {
  readonly kind: Kind
  readonly seed: number
  /** Which of the seed's pictures; each depends on nothing but these three. */
  readonly index: number
  /** `training` unless a test wants letters that no training picture shows. */
  readonly fonts?: FontSet | undefined
  /** The most questions of a picture; 4 by default. */
  readonly questions?: number | undefined
}

/** What is made of paper. */
const worn: ReadonlySet<Subject> = new Set(['sheet', 'card', 'strip'])

/** Makes one picture. The same options give the same picture and questions. */
export function syntheticSample({
  kind,
  seed,
  index,
  fonts = 'training',
  questions = 4,
}: SampleOptions): SyntheticSample {
  const dice = new Dice(seed, `${kind}/${index}`)
  const composition = kinds[kind](dice.fork('page'), fontBook(fonts))
  if (worn.has(composition.subject)) wear(composition.page, dice.fork('wear'))
  const taken = photograph(composition.page.canvas, composition.subject, dice.fork('camera'))
  const shuffled = dice.fork('questions').shuffle(composition.asked)
  const byRank = [...shuffled.filter(({ isMain }) => isMain), ...shuffled.filter(({ isMain }) => !isMain)]
  const kept = new Set(byRank.slice(0, questions))
  const chosen = shuffled.filter((asked) => kept.has(asked))
  return {
    kind,
    width: taken.picture.width,
    height: taken.picture.height,
    jpeg: () => taken.picture.canvas.encode('jpeg', taken.jpegQuality),
    rgb: () => opaque(taken.picture.pixels),
    questions: chosen.map(({ form, question, answer, evidence, isRead }: Asked) => ({
      form,
      question,
      answer,
      boxes: evidence.map(({ box }) => taken.boxOf(box)),
      isRead,
    })),
    composition,
    photograph: taken,
  }
}

/** The pixels of a picture that is opaque, without the byte that says so. */
function opaque({ width, height, data: rgba }: ImageData): RgbImage {
  const rgb = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
  return rgbImage(width, height, rgb)
}
