import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { readImageHeader } from './image-header.ts'
import { sniffImage } from './sniff.ts'

const picture = (channels: 3 | 4) =>
  sharp({ create: { width: 37, height: 21, channels, background: { r: 9, g: 99, b: 199, alpha: 0.5 } } })

test('reads size and transparency of every format that states them at the start', async () => {
  const files = [
    [await picture(3).jpeg().toBuffer(), 'jpeg', false],
    [await picture(3).jpeg({ progressive: true }).withMetadata({ orientation: 3 }).toBuffer(), 'jpeg', false],
    [await picture(3).png().toBuffer(), 'png', false],
    [await picture(4).png().toBuffer(), 'png', true],
    [await picture(4).png({ palette: true }).toBuffer(), 'png', true],
    [await picture(3).webp().toBuffer(), 'webp', false],
    [await picture(4).webp().toBuffer(), 'webp', true],
    [await picture(4).webp({ lossless: true }).toBuffer(), 'webp', true],
    [await picture(3).gif().toBuffer(), 'gif', true],
  ] as const
  for (const [bytes, format, mayHaveAlpha] of files) {
    assert.deepEqual(sniffImage(bytes), { format })
    assert.deepEqual(readImageHeader(bytes, format), { width: 37, height: 21, mayHaveAlpha }, format)
  }
})

test('gives nothing for a header cut short', async () => {
  for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
    const bytes = await picture(3).toFormat(format).toBuffer()
    assert.equal(readImageHeader(bytes.subarray(0, 9), format), undefined)
  }
})
