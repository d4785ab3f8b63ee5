import sharp from 'sharp'
import { type RgbImage, rgbImage } from './rgb-image.ts'

/** The picture as a PNG file, without loss. */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer()
}

/**
 * The picture with an SVG drawing of the same size laid over it. Text in the drawing would need fonts on the
 * machine: draw it as paths (see `textPath`).
 */
export async function paintSvg(image: RgbImage, svg: string): Promise<RgbImage> {
  const { data, info } = await sharp(image.data, {
    raw: { width: image.width, height: image.height, channels: 3 },
  })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return rgbImage(info.width, info.height, new Uint8Array(data))
}
