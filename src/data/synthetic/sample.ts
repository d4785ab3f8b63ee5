import type { ImageData } from '@napi-rs/canvas'
import { type RgbImage, rgbImage } from '../../image/rgb-image.ts'
import { type Developed, photograph, type Subject } from './camera/photograph.ts'
import type { Picture } from './camera/picture.ts'
import { Dice } from './dice.ts'
import { everything } from './everything.ts'
import { type FontSet, fontBook } from './faces.ts'
import type { Asked, Composition } from './kind.ts'
import { type Kind, kinds } from './kinds.ts'
import type { Box, Glyph } from './page.ts'
import { wear } from './paper.ts'
import { readGlyphs } from './read-glyphs.ts'

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
  /** Its printed letters, line by line, and its shapes, in the picture's pixels. */
  readonly glyphs: () => readonly (readonly Glyph[])[]
  /** Of each question, the glyphs that its answer is read off (`readGlyphs`), in the picture's pixels. */
  readonly readings: () => readonly (readonly Glyph[] | undefined)[]
  /** The page before the camera, its marks in its own pixels. */
  readonly composition: Composition
  /** As the camera took it. */
  readonly picture: () => Picture
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
  /** Whether all text of the picture is asked for first; of long pages it is not. */
  readonly everything?: boolean | undefined
}

/** What is made of paper. */
const worn: ReadonlySet<Subject> = new Set(['sheet', 'card', 'strip'])

/** Makes one picture, which is drawn when its pixels are asked for. The same options give the same picture and questions. */
export function syntheticSample({
  kind,
  seed,
  index,
  fonts = 'training',
  questions = 4,
  everything: asksForAll = false,
}: SampleOptions): SyntheticSample {
  const dice = new Dice(seed, `${kind}/${index}`)
  const composition = kinds[kind](dice.fork('page'), fontBook(fonts))
  const { page, subject } = composition
  const taken = photograph(page.canvas, subject, dice.fork('camera'))
  let isWorn = !worn.has(subject)
  const develop = (): Developed => {
    if (!isWorn) wear(page, dice.fork('wear'))
    isWorn = true
    return taken.develop()
  }
  const shuffled = dice.fork('questions').shuffle(composition.asked)
  const byRank = [...shuffled.filter(({ isMain }) => isMain), ...shuffled.filter(({ isMain }) => !isMain)]
  const kept = new Set(byRank.slice(0, questions))
  const all = asksForAll ? everything(page.marks, dice.fork('everything')) : undefined
  const chosen = [...(all ? [all] : []), ...shuffled.filter((asked) => kept.has(asked))]
  let written: Glyph[][] | undefined
  const onPage = (): Glyph[][] => {
    written ??= page.glyphs()
    return written
  }
  const inPicture = ({ x, y, height, ...glyph }: Glyph): Glyph => {
    const [top, middle] = [taken.pointOf(x, y - height / 2), taken.pointOf(x, y)]
    return { ...glyph, x: middle[0], y: middle[1], height: 2 * (middle[1] - top[1]) }
  }
  return {
    kind,
    width: taken.width,
    height: taken.height,
    async jpeg() {
      const { picture, jpegQuality } = develop()
      return picture.canvas.encode('jpeg', jpegQuality)
    },
    rgb: () => opaque(develop().picture.pixels),
    glyphs: () => onPage().map((line) => line.map(inPicture)),
    readings() {
      const glyphs = onPage().flat()
      return chosen.map((asked) => readGlyphs(asked, glyphs)?.map(inPicture))
    },
    questions: chosen.map(({ form, question, answer, evidence, isRead }: Asked) => ({
      form,
      question,
      answer,
      boxes: evidence.map(({ box }) => taken.boxOf(box)),
      isRead,
    })),
    composition,
    picture: () => develop().picture,
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
