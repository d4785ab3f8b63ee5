import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { InputError } from '../tensor/errors.ts'
import { asPillow, decodeImage } from './decode.ts'
import { decodeLosses } from './decode-losses.ts'
import { encodePng } from './encode.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'panoptes-decode-'))
})
after(async () => await rm(folder, { recursive: true }))

const rgba = Buffer.from([10, 20, 30, 0, 40, 50, 60, 128, 70, 80, 90, 255, 1, 2, 3, 0])
const rgb = [10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3]
const raw = (data: Uint8Array, width: number, height: number, channels: 1 | 3 | 4) =>
  sharp(data, { raw: { width, height, channels } })

async function refusal(input: string | Uint8Array, options = {}): Promise<InputError> {
  const error = await decodeImage(input, options).then(
    () => assert.fail('was decoded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof InputError, String(error))
  assert.doesNotMatch(error.message, /\n/)
  return error
}

test('drops alpha and keeps the colours under full transparency', async () => {
  const files = [
    await raw(rgba, 2, 2, 4).png().toBuffer(),
    await raw(rgba, 2, 2, 4).webp({ lossless: true, exact: true }).toBuffer(),
    await raw(rgba, 2, 2, 4).tiff({ compression: 'none' }).toBuffer(),
    await raw(rgba, 2, 2, 4).avif({ lossless: true }).toBuffer(),
  ]
  for (const file of files) {
    const { image, info } = await decodeImage(file)
    assert.deepEqual([...image.data], rgb, info.format)
    assert.equal(info.hasAlpha, true)
  }
})

test('tells what a picture loses: further frames, and transparency that is not whole', async () => {
  const losses = async (file: Uint8Array) => decodeLosses((await decodeImage(file)).info)
  const frame = await raw(Buffer.from(rgb), 2, 2, 3).png().toBuffer()
  const other = await raw(Buffer.from(rgb.toReversed()), 2, 2, 3).png().toBuffer()
  const animation = await sharp([frame, other], { join: { animated: true } })
    .gif()
    .toBuffer()
  assert.match((await losses(animation)).join(' '), /first of its 2 frames/)
  assert.match((await losses(await raw(rgba, 2, 2, 4).png().toBuffer())).join(' '), /transparency/)
  assert.deepEqual(await losses(await sharp(frame).ensureAlpha().png().toBuffer()), [])
})

test('replicates grey, looks up palettes and cuts 16 bits to their upper 8', async () => {
  const grey = await raw(Buffer.from([0, 7, 200, 255]), 2, 2, 1)
    .toColourspace('b-w')
    .png()
    .toBuffer()
  assert.deepEqual(
    [...(await decodeImage(grey)).image.data],
    [0, 0, 0, 7, 7, 7, 200, 200, 200, 255, 255, 255],
  )
  const palette = await raw(Buffer.from(rgb), 2, 2, 3).png({ palette: true, dither: 0 }).toBuffer()
  assert.deepEqual([...(await decodeImage(palette)).image.data], rgb)
  const deep = Uint16Array.from(rgb, (value) => value * 256 + 255)
  const file = await sharp(deep, { raw: { width: 2, height: 2, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer()
  const { image, info } = await decodeImage(file)
  assert.deepEqual([...image.data], rgb)
  assert.equal(info.bitDepth, 16)
})

test('converts CMYK and the colours of another profile to sRGB, but leaves sRGB bytes alone', async () => {
  const red = { create: { width: 16, height: 16, channels: 3, background: '#c83214' } } as const
  const cmyk = await decodeImage(await sharp(red).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer())
  assert.equal(cmyk.info.colourModel, 'cmyk')
  assert.ok(Math.abs(cmyk.image.data[0]! - 0xc8) < 12)
  const p3 = await sharp(red).withIccProfile('p3').png().toBuffer()
  const converted = await decodeImage(p3)
  assert.match(converted.info.iccConverted!, /P3/)
  assert.ok(Math.abs(converted.image.data[0]! - 0xc8) <= 2)
  const untouched = await decodeImage(p3, asPillow)
  assert.equal(untouched.info.iccConverted, undefined)
  assert.notDeepEqual(untouched.image.data, converted.image.data)
  const srgb = await decodeImage(await sharp(red).withIccProfile('srgb').png().toBuffer())
  assert.equal(srgb.info.iccConverted, undefined)
  assert.deepEqual([...srgb.image.data.subarray(0, 3)], [0xc8, 0x32, 0x14])
})

test('applies the EXIF orientation, or not for published pixels', async () => {
  const file = await raw(Buffer.from(rgb), 4, 1, 3).withMetadata({ orientation: 6 }).png().toBuffer()
  const { image, info } = await decodeImage(file)
  assert.deepEqual([image.width, image.height, info.originalWidth, info.orientation], [1, 4, 4, 6])
  assert.equal((await decodeImage(file, asPillow)).image.width, 4)
})

test('decodes a single pixel and writes it back', async () => {
  const file = await encodePng({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) })
  const { image, info } = await decodeImage(file)
  assert.deepEqual([...image.data], [1, 2, 3])
  assert.equal(info.pages, 1)
})

test('takes the first frame of an animation', async () => {
  const frames = Buffer.concat([Buffer.alloc(12, 250), Buffer.alloc(12, 0)])
  const file = await sharp(frames, { raw: { width: 2, height: 4, channels: 3, pageHeight: 2 } })
    .gif()
    .toBuffer()
  const { image, info } = await decodeImage(file)
  assert.deepEqual([image.width, image.height, info.pages], [2, 2, 2])
  assert.ok(image.data.every((value) => value > 240))
})

test('refuses too many pixels by the header alone', async () => {
  const header = Buffer.from('89504e470d0a1a0a0000000d494844520000ea600000ea600802000000', 'hex')
  const error = await refusal(header)
  assert.equal(error.code, 'image-too-many-pixels')
  assert.match(error.message, /60000 × 60000.*3,600 megapixels.*limit is 268/)
  const small = await raw(Buffer.from(rgb), 2, 2, 3).tiff().toBuffer()
  assert.equal((await refusal(small, { maxPixels: 3 })).code, 'image-too-many-pixels')
  assert.equal((await refusal(small, { maxBytes: 3 })).code, 'image-too-many-bytes')
})

test('says that a cut file is cut', async () => {
  const noise = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * 7919) % 251))
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const) {
    const file = await raw(noise, 100, 100, 3).toFormat(format).toBuffer()
    await decodeImage(file)
    const error = await refusal(file.subarray(0, Math.floor(file.length * 0.7)), { name: 'cut.img' })
    assert.match(error.code, /image-(truncated|broken)/)
    assert.match(error.message, /^cut\.img (ends too early|is damaged)/)
  }
})

test('names what a file is when it is not a picture', async () => {
  const files: [name: string, content: string, found: RegExp][] = [
    ['note.png', 'shopping list\nmilk', /note\.png is not a picture.*looks like text/],
    ['drawing.jpg', '<?xml version="1.0"?><svg width="9"></svg>', /an SVG drawing\. Render it to PNG/],
    ['paper.png', '%PDF-1.7 …', /a PDF document\. Turn its pages/],
    ['page.jpg', '<!doctype html><p>404', /a web page/],
    ['data.png', '\u0001\u0002\u0003', /unknown binary data/],
  ]
  for (const [name, content, found] of files) {
    const path = join(folder, name)
    await writeFile(path, content)
    const error = await refusal(path)
    assert.equal(error.code, 'image-not-picture')
    assert.match(error.message, found)
  }
})

test('tells an empty file, a folder and a missing file apart', async () => {
  await writeFile(join(folder, 'empty.png'), '')
  assert.equal((await refusal(join(folder, 'empty.png'))).code, 'image-empty')
  assert.equal((await refusal(new Uint8Array())).code, 'image-empty')
  assert.equal((await refusal(folder)).code, 'image-is-folder')
  assert.match((await refusal(join(folder, 'none.png'))).message, /none\.png does not exist/)
})
