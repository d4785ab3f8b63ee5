import { InputError } from '../tensor/errors.ts'
import { readImageHeader } from './image-header.ts'
import { brokenImage, checkBytes, checkPixels, formatOf, type ImageLimits } from './image-limits.ts'
import { type RgbImage, rgbImage } from './rgb-image.ts'

/** The browser decodes TIFF in Safari alone; everything else as in Node. */
export interface BrowserDecodeOptions extends ImageLimits {
  /** What to call the picture in messages; default `The picture`. */
  readonly name?: string
}

/**
 * A picture file as 8-bit sRGB in a page or a worker, by the browser's own decoder: orientation applied,
 * alpha dropped without blending, colours converted to sRGB, the first frame of an animation.
 * A 2D canvas stores colours multiplied by alpha and so loses those under full transparency; pictures that
 * may have alpha are therefore read back through WebGL, up to its largest texture, and through a canvas
 * beyond that.
 * @throws InputError `image-empty`, `image-too-many-bytes`, `image-not-picture`, `image-too-many-pixels`,
 * `image-broken`, `image-truncated`; `canvas-missing` where the browser gives no drawing context.
 */
export async function decodeImageInBrowser(
  input: Blob | Uint8Array,
  options: BrowserDecodeOptions = {},
): Promise<RgbImage> {
  const name = options.name ?? 'The picture'
  const sizeBytes = input instanceof Uint8Array ? input.length : input.size
  checkBytes(name, sizeBytes, options)
  const bytes = input instanceof Uint8Array ? input : new Uint8Array(await input.arrayBuffer())
  const format = formatOf(name, bytes)
  const header = readImageHeader(bytes, format)
  if (header) checkPixels(name, header, options)
  const blob = input instanceof Blob ? input : new Blob([new Uint8Array(input)])
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(blob, { premultiplyAlpha: 'none', imageOrientation: 'from-image' })
  } catch (error) {
    throw brokenImage(name, format, error)
  }
  try {
    checkPixels(name, bitmap, options)
    const isOpaque = header?.mayHaveAlpha === false
    const rgba = (isOpaque ? undefined : readByWebGl(bitmap)) ?? readByCanvas(bitmap)
    return rgbImage(bitmap.width, bitmap.height, dropAlpha(rgba))
  } finally {
    bitmap.close()
  }
}

/**
 * [height, width, 4] with the colours as stored; undefined without WebGL or for a picture beyond its
 * textures.
 */
function readByWebGl(bitmap: ImageBitmap): Uint8Array | undefined {
  const { width, height } = bitmap
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2', { premultipliedAlpha: false })
  if (!gl || Math.max(width, height) > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)) return undefined
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer())
  gl.framebufferTexture2D(
    gl.FRAMEBUFFER,
    gl.COLOR_ATTACHMENT0,
    gl.TEXTURE_2D,
    gl.getParameter(gl.TEXTURE_BINDING_2D),
    0,
  )
  const isComplete = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE
  const rgba = new Uint8Array(width * height * 4)
  if (isComplete) gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, rgba)
  const isRead = isComplete && gl.getError() === gl.NO_ERROR
  gl.getExtension('WEBGL_lose_context')?.loseContext() // a page may hold only some sixteen contexts
  return isRead ? rgba : undefined
}

function readByCanvas(bitmap: ImageBitmap): Uint8ClampedArray {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', {
    willReadFrequently: true,
    colorSpace: 'srgb',
  })
  if (!context)
    throw new InputError(
      'canvas-missing',
      `The browser gives no canvas of ${width}×${height}. Make the picture smaller, or use a newer browser.`,
      { width, height },
    )
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height, { colorSpace: 'srgb' }).data
}

function dropAlpha(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let i = 0, p = 0; i < rgb.length; i += 3, p += 4) {
    rgb[i] = rgba[p]!
    rgb[i + 1] = rgba[p + 1]!
    rgb[i + 2] = rgba[p + 2]!
  }
  return rgb
}
