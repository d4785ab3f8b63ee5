import assert from 'node:assert/strict'
import { test } from 'node:test'
import { llavaConfig } from '../systems/llava-config.ts'
import { zeros } from '../tensor/tensor.ts'
import { IMAGE_ID } from '../text/image-ids.ts'
import { IGNORED } from '../text/labels.ts'
import { NEWLINE } from '../tiling/any-res-tokens.ts'
import { mergeLlava } from './llava-training.ts'

const tiles = (count: number) => zeros('f32', [count, 3, 2, 2])
/** Two tokens a tile: a picture of one tile with a newline behind it, and a text whose blank tile stands for nothing. */
const samples = [
  { inputIds: [1, IMAGE_ID, 7], labels: [IGNORED, IGNORED, 7], pixels: tiles(1), orders: [[0, 1, NEWLINE]] },
  { inputIds: [1, 8], labels: [IGNORED, 8], pixels: tiles(1), orders: [] },
  { inputIds: [IMAGE_ID], labels: [IGNORED], pixels: tiles(2), orders: [[2, 0]] },
]
const merge = (options: object) =>
  mergeLlava(samples, llavaConfig.parse({ architectures: ['LlavaLlamaForCausalLM'], ...options }), 2)

test('tokens of all samples are counted through, the newline is the row behind them', () => {
  const { visualRows, placeholders, labels, positions, valid } = merge({})
  // Tiles 0 (first sample), 1 (blank), 2 and 3 (third sample) have the rows 0–7; the newline has row 8.
  assert.deepEqual(visualRows, [0, 1, 8, 6, 4])
  assert.deepEqual(placeholders, [1, 2, 3, 10, 11])
  assert.deepEqual(labels[0], [IGNORED, IGNORED, IGNORED, IGNORED, 7])
  assert.deepEqual(positions[1], [0, 1, 0, 0, 0])
  assert.deepEqual(valid[2], [true, true, false, false, false])
})

test('padding goes to the left where the tokenizer says so, and positions begin behind it', () => {
  const { ids, labels, positions, placeholders } = merge({ tokenizer_padding_side: 'left' })
  assert.deepEqual(ids[1], [0, 0, 0, 1, 8])
  assert.deepEqual(labels[1], [IGNORED, IGNORED, IGNORED, IGNORED, 8])
  assert.deepEqual(positions[1], [0, 0, 0, 0, 1])
  assert.deepEqual(placeholders, [1, 2, 3, 13, 14])
})

test('what is beyond the longest length is cut, visual tokens too', () => {
  const { ids, visualRows } = merge({ tokenizer_model_max_length: 3 })
  assert.deepEqual(
    ids.map((row) => row.length),
    [3, 3, 3],
  )
  assert.deepEqual(visualRows, [0, 1, 6, 4])
})
