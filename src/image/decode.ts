import { readFile, stat } from 'node:fs/promises'
import sharp from 'sharp'
import { InputError } from '../tensor/errors.ts'
import { iccProfileName } from './icc.ts'
import { readImageHeader } from './image-header.ts'
import { brokenImage, checkBytes, checkPixels, formatOf, type ImageLimits } from './image-limits.ts'
import { type RgbImage, rgbImage } from './rgb-image.ts'
import type { ImageFormat } from './sniff.ts'

/**
 * How a file becomes RGB. The defaults show the picture as a viewer would; `asPillow` gives the published
 * pixels.
 */
export interface DecodeOptions extends ImageLimits {
  /** What to call the picture in messages; default its path, or `The picture`. */
  readonly name?: string
  /** Turn the picture as its EXIF orientation says; default true. */
  readonly appliesOrientation?: boolean
  /** Convert colours from the file's ICC profile to sRGB; default true. CMYK is converted always. */
  readonly convertsColours?: boolean
}

/**
 * Decodes as the published systems do: Pillow's `open().convert('RGB')` ignores orientation and ICC profile.
 */
export const asPillow = { appliesOrientation: false, convertsColours: false } as const satisfies DecodeOptions

/** What the file was before it became 8-bit RGB. */
export interface ImageInfo {
  readonly format: ImageFormat
  readonly sizeBytes: number
  /** The stored size, before orientation. */
  readonly originalWidth: number
  readonly originalHeight: number
  /** Transparency was there and has been dropped; the colours beneath it are kept as they were. */
  readonly hasAlpha: boolean
  /** Some pixel is not wholly opaque. */
  readonly isTransparent: boolean
  /** The EXIF orientation 1..8 that was applied; 1 when there was none, or when it was ignored. */
  readonly orientation: number
  /** Frames or pages in the file; only the first is decoded. */
  readonly pages: number
  /** The name of the ICC profile that colours were converted from. */
  readonly iccConverted?: string
  readonly bitDepth: number
  /** The stored colour model: srgb, b-w, cmyk, rgb16, … */
  readonly colourModel: string
}

/**
 * A picture file (path or bytes) as 8-bit RGB: orientation applied, alpha dropped without blending, palettes
 * looked up, grey replicated, 16 bits cut to 8, CMYK and ICC colours converted to sRGB; of an animation the
 * first frame.
 * The limits are checked on the header, before anything is decoded.
 * @throws InputError `image-missing`, `image-unreadable`, `image-is-folder`, `image-empty`,
 * `image-too-many-bytes`, `image-not-picture`, `image-too-many-pixels`, `image-truncated`, `image-broken`.
 */
export async function decodeImage(
  input: string | URL | Uint8Array,
  options: DecodeOptions = {},
): Promise<{ image: RgbImage; info: ImageInfo }> {
  const isPath = typeof input === 'string' || input instanceof URL
  const name = options.name ?? (isPath ? String(input) : 'The picture')
  const bytes = isPath ? await readPicture(input, name, options) : input
  checkBytes(name, bytes.length, options)
  const format = formatOf(name, bytes)
  const header = readImageHeader(bytes, format)
  if (header) checkPixels(name, header, options)
  try {
    return await decodeBytes(bytes, format, name, options)
  } catch (error) {
    throw error instanceof InputError ? error : brokenImage(name, format, error)
  }
}

async function readPicture(path: string | URL, name: string, limits: ImageLimits): Promise<Uint8Array> {
  try {
    const found = await stat(path)
    if (found.isDirectory())
      throw new InputError('image-is-folder', `${name} is a folder. Pass the path of one picture file.`, {
        name,
      })
    // A pipe may never end, and a device has no size.
    if (!found.isFile())
      throw new InputError(
        'image-unreadable',
        `${name} is not a file but a ${found.isFIFO() ? 'pipe' : 'device'}. Save the picture to a file first.`,
        { name },
      )
    checkBytes(name, found.size, limits)
    return await readFile(path)
  } catch (error) {
    if (error instanceof InputError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new InputError(
        'image-missing',
        /^https?:/.test(name)
          ? `${name} is an address, not a file. Download the picture first.`
          : `${name} does not exist. Check the path.`,
        { name },
        error,
      )
    throw new InputError(
      'image-unreadable',
      `${name} cannot be read (${code}). Check its ${code === 'ELOOP' ? 'links' : 'permissions'}.`,
      { name, code },
      error,
    )
  }
}

async function decodeBytes(bytes: Uint8Array, format: ImageFormat, name: string, options: DecodeOptions) {
  const { appliesOrientation = true, convertsColours = true } = options
  // The limits are ours (checkPixels); libvips would only repeat them in words that name no file.
  const metadata = await sharp(bytes, { limitInputPixels: false }).metadata()
  checkPixels(name, metadata, options)
  const profile = metadata.icc && iccProfileName(metadata.icc)
  const isSrgb = profile !== undefined && /srgb/i.test(profile)
  const iccConverted = metadata.icc && convertsColours && !isSrgb ? (profile ?? 'unnamed') : undefined
  const orientation = appliesOrientation ? (metadata.orientation ?? 1) : 1
  const decoded = await sharp(bytes, {
    limitInputPixels: false,
    failOn: 'error',
    ignoreIcc: iccConverted === undefined,
    autoOrient: appliesOrientation,
  })
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const info: ImageInfo = {
    format,
    sizeBytes: bytes.length,
    originalWidth: metadata.width,
    originalHeight: metadata.height,
    hasAlpha: metadata.hasAlpha,
    isTransparent: metadata.hasAlpha && !(await sharp(bytes, { limitInputPixels: false }).stats()).isOpaque,
    orientation,
    pages: metadata.pages ?? 1,
    bitDepth: metadata.bitsPerSample ?? (metadata.depth === 'ushort' ? 16 : 8),
    colourModel: metadata.space,
    ...(iccConverted === undefined ? {} : { iccConverted }),
  }
  return { image: rgbImage(decoded.info.width, decoded.info.height, new Uint8Array(decoded.data)), info }
}
