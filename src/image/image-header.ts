import type { Size } from './rgb-image.ts'
import type { ImageFormat } from './sniff.ts'

/** What the first bytes of a picture say about it before anything is decoded. */
export interface ImageHeader extends Size {
  /** False when the file surely has no transparency. */
  readonly mayHaveAlpha: boolean
}

/**
 * Size and transparency from the header of a JPEG, PNG, WebP or GIF; undefined for the other formats and
 * where the header is damaged. Reads a few bytes: no limit needs to be known before.
 */
export function readImageHeader(bytes: Uint8Array, format: ImageFormat): ImageHeader | undefined {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (format === 'png') return pngHeader(view)
    if (format === 'gif')
      return { width: view.getUint16(6, true), height: view.getUint16(8, true), mayHaveAlpha: true }
    if (format === 'webp') return webpHeader(view)
    if (format === 'jpeg') return jpegHeader(view)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // a header cut short: the decoder will say so
  }
  return undefined
}

/**
 * IHDR; a grey, RGB or palette picture may still name a transparent colour in a tRNS chunk before its pixels.
 */
function pngHeader(view: DataView): ImageHeader {
  const width = view.getUint32(16)
  const height = view.getUint32(20)
  let mayHaveAlpha = view.getUint8(25) >= 4
  for (let at = 8; at + 8 <= view.byteLength; at += view.getUint32(at) + 12) {
    const kind = fourCharacters(view, at + 4)
    if (kind === 'tRNS') mayHaveAlpha = true
    if (kind === 'IDAT') break
  }
  return { width, height, mayHaveAlpha }
}

/** The three kinds of WebP: lossy, lossless, extended. Source: RFC 9649. */
function webpHeader(view: DataView): ImageHeader | undefined {
  const kind = fourCharacters(view, 12)
  if (kind === 'VP8 ')
    return {
      width: view.getUint16(26, true) & 0x3fff,
      height: view.getUint16(28, true) & 0x3fff,
      mayHaveAlpha: false,
    }
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1, mayHaveAlpha: true }
  }
  if (kind !== 'VP8X') return undefined
  const width = (view.getUint32(24, true) & 0xffffff) + 1
  const height = (view.getUint32(26, true) >>> 8) + 1
  return { width, height, mayHaveAlpha: (view.getUint8(20) & 0x10) !== 0 }
}

/** Walks the segments to the frame header, SOF0 … SOF15 without DHT, JPG and DAC. */
function jpegHeader(view: DataView): ImageHeader | undefined {
  let at = 2
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at++
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), mayHaveAlpha: false }
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

function fourCharacters(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  )
}
