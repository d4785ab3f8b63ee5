import type { RgbImage } from './rgb-image.ts'

/** A name for what a picture shows: equal for equal pixels of equal size, whatever file they came from. */
export async function pictureKey({ width, height, data }: RgbImage): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${width}x${height}-${hex}`
}
