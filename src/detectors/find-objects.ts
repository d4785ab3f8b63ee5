import type { LabelledBox } from '../image/boxes.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { RunOptions } from '../runtime/run-events.ts'
import type { Detector } from './detector.ts'
import { detectionQuery, tagWords } from './tag-prompts.ts'
import type { Tagger } from './tagger.ts'

/** What scores above this is an object. */
const threshold = 0.2

/**
 * What MG-LLaVA is told of a picture: the tagger says what is in it, the detector where. Boxes are in whole pixels, cut
 * towards zero, in the order of the detector's patches; a picture without tags has none.
 * Source: MG-LLaVA (arXiv 2406.17770), section 3.1. The published code asks for "a photo of " where there is no tag.
 * @throws AbortError `aborted`
 */
export async function findObjects(
  image: RgbImage,
  tagger: Pick<Tagger, 'tag'>,
  detector: Pick<Detector, 'detect'>,
  run: RunOptions = {},
): Promise<LabelledBox[]> {
  const { text } = await tagger.tag(image, run)
  const words = tagWords(text).filter((word) => word !== '')
  if (words.length === 0) return []
  const prompt = detectionQuery('{label}')
  const { detections } = await detector.detect(image, words, { ...run, threshold, prompt, longLabels: 'cut' })
  return detections.map(({ box, label, score }) => {
    const [x0, y0, x1, y1] = box
    return { box: [Math.trunc(x0), Math.trunc(y0), Math.trunc(x1), Math.trunc(y1)], label, score }
  })
}
