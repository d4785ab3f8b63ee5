import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pictureKey } from './picture-key.ts'
import { filledImage, rgbImage } from './rgb-image.ts'

test('names equal pixels alike, and other sizes or pixels otherwise', async () => {
  const white = await pictureKey(filledImage(4, 2, [255, 255, 255]))
  assert.equal(await pictureKey(rgbImage(4, 2, new Uint8Array(24).fill(255))), white)
  assert.notEqual(await pictureKey(filledImage(2, 4, [255, 255, 255])), white)
  assert.notEqual(await pictureKey(filledImage(4, 2, [255, 255, 254])), white)
})
