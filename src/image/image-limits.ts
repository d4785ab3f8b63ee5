import { InputError } from '../tensor/errors.ts'
import type { Size } from './rgb-image.ts'
import { type ImageFormat, sniffImage } from './sniff.ts'

/** How large a picture may be before it is refused unread. */
export interface ImageLimits {
  /** Width times height; default 268,435,456 (16,384²), which takes 805 MB decoded. */
  readonly maxPixels?: number
  /** Size of the file; default 536,870,912. */
  readonly maxBytes?: number
}

export const defaultLimits: Required<ImageLimits> = { maxPixels: 2 ** 28, maxBytes: 2 ** 29 }

/** @throws InputError `image-too-many-pixels` */
export function checkPixels(name: string, { width, height }: Size, limits: ImageLimits): void {
  const maxPixels = limits.maxPixels ?? defaultLimits.maxPixels
  if (width * height > maxPixels)
    throw new InputError(
      'image-too-many-pixels',
      `${name} is ${width} × ${height}, ${megapixels(width * height)} megapixels, but the limit is ` +
        `${megapixels(maxPixels)}. Make the picture smaller; in the library, maxPixels raises the limit.`,
      { name, width, height, pixels: width * height, maxPixels },
    )
}

/** @throws InputError `image-empty` or `image-too-many-bytes` */
export function checkBytes(name: string, sizeBytes: number, limits: ImageLimits): void {
  const maxBytes = limits.maxBytes ?? defaultLimits.maxBytes
  if (sizeBytes === 0)
    throw new InputError('image-empty', `${name} is empty (0 bytes). Copy or download the picture again.`, {
      name,
    })
  if (sizeBytes > maxBytes)
    throw new InputError(
      'image-too-many-bytes',
      `${name} has ${sizeBytes} bytes, but the limit is ${maxBytes}. ` +
        'Save it in a compressed format; in the library, maxBytes raises the limit.',
      { name, sizeBytes, maxBytes },
    )
}

/**
 * The picture format of the bytes. @throws InputError `image-not-picture` that says what they look like
 * instead.
 */
export function formatOf(name: string, bytes: Uint8Array): ImageFormat {
  const found = sniffImage(bytes)
  if ('format' in found) return found.format
  throw new InputError(
    'image-not-picture',
    `${name} is not a picture that can be decoded: its content looks like ${found.looksLike}. ${found.fix}`,
    { name, looksLike: found.looksLike },
  )
}

/** @returns the error for bytes that start like a picture but cannot be decoded to the end. */
export function brokenImage(name: string, format: ImageFormat, cause: unknown): InputError {
  const reason = String(cause instanceof Error ? cause.message : cause).split('\n')[0]
  const isCut = /premature end|unexpected end|end of file|read error|out of bounds|truncated|unable to parse/i
  const [kind, damage] = isCut.test(reason ?? '')
    ? ['image-truncated', 'ends too early']
    : ['image-broken', 'is damaged']
  return new InputError(
    kind!,
    `${name} ${damage}: its ${format.toUpperCase()} data cannot be decoded (${reason}). ` +
      'Copy or download the picture again, or save it anew.',
    { name, format, reason },
    cause,
  )
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toLocaleString('en-US', { maximumFractionDigits: pixels < 1e7 ? 1 : 0 })
}
