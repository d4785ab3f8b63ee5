import type { RgbImage } from '../image/rgb-image.ts'
import type { Picture } from '../systems/system.ts'

/** A picture as a caller has it: what the platform's decoder takes, or pixels that were decoded before. */
export type PictureInput<Encoded> = Encoded | RgbImage | Picture

/** Turns an encoded picture into pixels; `name` is what messages and reports call it. */
export type DecodePicture<Encoded> = (encoded: Encoded, name: string) => Promise<Picture>

/** Pictures decoded in their order. A picture without a name of its own is called by its number. */
export async function decodePictures<Encoded>(
  inputs: readonly PictureInput<Encoded>[],
  decode: DecodePicture<Encoded>,
  before = 0,
): Promise<Picture[]> {
  const pictures: Picture[] = []
  for (const [i, input] of inputs.entries()) {
    const name = `picture ${before + i + 1}`
    if (isPicture(input)) pictures.push(input)
    else if (isPixels(input)) pictures.push({ name, image: input })
    else pictures.push(await decode(input, name))
  }
  return pictures
}

function isPicture(input: unknown): input is Picture {
  return typeof input === 'object' && input !== null && 'image' in input && isPixels(input.image)
}

function isPixels(input: unknown): input is RgbImage {
  return (
    typeof input === 'object' && input !== null && 'data' in input && 'width' in input && 'height' in input
  )
}
