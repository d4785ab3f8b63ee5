import { join } from 'node:path'
import { openConversations } from '../data/conversations.ts'
import type { ConversationRecord } from '../data/records.ts'
import { copyingAt } from '../data/synthetic/copying.ts'
import type { Glyph } from '../data/synthetic/page.ts'
import type { SyntheticSample } from '../data/synthetic/sample.ts'
import { asPillow, decodeImage } from '../image/decode.ts'
import type { RgbImage, Size } from '../image/rgb-image.ts'
import type { RecipeSource } from './recipe.ts'

/** A conversation and its pictures, decoded. */
export interface RecipeSample {
  readonly record: ConversationRecord
  /** Empty where a stage asks for layouts alone. */
  readonly pictures: readonly RgbImage[]
  /** Of drawn pictures: which letters they show where. */
  readonly layouts?: readonly Layout[]
}

/** The letters of a picture, line by line, and its shapes, in its pixels. */
export interface Layout extends Size {
  readonly glyphs: readonly (readonly Glyph[])[]
  /** Of each answer, the glyphs that it is read off, one for each of its letters; undefined where it is not. */
  readonly readings: readonly (readonly Glyph[] | undefined)[]
}

export function layoutOf({ width, height, glyphs, readings }: SyntheticSample): Layout {
  return { width, height, glyphs: glyphs(), readings: readings() }
}

/** Whether pictures are drawn, or the layouts of drawn ones are all that is wanted. */
export type Wanted = 'pictures' | 'layouts' | 'both'

/** Where samples come from, one by one as they are asked for: the same for an index, whenever it is asked. */
export interface SampleSource {
  readonly length: number
  /** @throws InputError for a record or a picture that is broken */
  read(index: number): Promise<RecipeSample>
  close(): Promise<void>
}

/** @throws InputError `dataset-missing`, `dataset-empty`, `dataset-invalid` */
export async function openSource(source: RecipeSource, wants: Wanted = 'pictures'): Promise<SampleSource> {
  if ('synthetic' in source) return synthetic(source.synthetic, wants)
  return 'copying' in source ? copying(source.copying) : dataset(source)
}

function copying(series: Extract<RecipeSource, { copying: object }>['copying']): SampleSource {
  return {
    length: series.count,
    read: async (index) => ({
      record: { images: [], conversations: copyingAt(series, index) },
      pictures: [],
    }),
    close: async () => {},
  }
}

async function dataset({ path, images }: Extract<RecipeSource, { path: string }>): Promise<SampleSource> {
  const dataset = await openConversations(path, images)
  return {
    length: dataset.length,
    async read(index) {
      const record = await dataset.read(index)
      const decoded = record.images.map((name) => decodeImage(join(dataset.imageFolder, name), asPillow))
      return { record, pictures: (await Promise.all(decoded)).map(({ image }) => image) }
    },
    close: () => dataset.close(),
  }
}

/** Pictures that are drawn when they are asked for, and handed on as they are, without a JPEG between. */
function synthetic(
  series: Extract<RecipeSource, { synthetic: object }>['synthetic'],
  wants: Wanted,
): SampleSource {
  return {
    length: series.count,
    async read(index) {
      // Loaded where pictures are drawn only: it reads all fonts.
      const { conversation, pictureAt } = await import('../data/synthetic/series.ts')
      const sample = pictureAt(series, index)
      return {
        record: { images: [sample.id], conversations: conversation(sample) },
        pictures: wants === 'layouts' ? [] : [sample.rgb()],
        ...(wants !== 'pictures' && {
          layouts: [layoutOf(sample)],
        }),
      }
    },
    close: async () => {},
  }
}
