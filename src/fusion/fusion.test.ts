import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor, type Slope } from '../../tests/finite-differences.ts'
import { randomWeights } from '../../tests/random-weights.ts'
import { concat, patchify, slice } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Shapes } from '../graph/weights.ts'
import { GraphError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { scalePixels, splitCrops } from '../tiling/s2.ts'
import { boxesToFeatures, featuresToBoxes } from './box-attention.ts'
import { convGate, convGateShapes, gateConcat } from './conv-gate.ts'
import { miniGeminiHd } from './mini-gemini.ts'
import { patchInfoMining } from './patch-info-mining.ts'
import { fuseCrops, s2Features } from './s2.ts'

const low = randomTensor([2, 9, 4], 1)
const high = randomTensor([2, 6, 3, 3], 2)
const open = [
  ['B', 9, 4],
  ['B', 6, 3, 3],
]

function normLinears(names: readonly string[], inputs: readonly number[], output: number): Shapes {
  return Object.fromEntries(
    names.flatMap((name, i) => [
      [`vlm_uni_${name}_projector.0.weight`, [inputs[i]!]],
      [`vlm_uni_${name}_projector.0.bias`, [inputs[i]!]],
      [`vlm_uni_${name}_projector.1.weight`, [output, inputs[i]!]],
      [`vlm_uni_${name}_projector.1.bias`, [output]],
    ]),
  )
}

function assertSlopes(slopes: readonly Slope[]): void {
  for (const { place, derived, measured } of slopes)
    assert.ok(
      Math.abs(derived - measured) <= 3e-3 + 1e-2 * Math.abs(measured),
      `d/d${place} is ${derived}, measured ${measured}`,
    )
}

test('Conv-Gate reads exactly its weights and differentiates, for any number of pictures', async () => {
  const shapes = convGateShapes(4, 6)
  const w = randomWeights(shapes)
  const fuse = (l: Tensor, h: Tensor): Tensor => convGate(w, l, h)
  assertSlopes(await compareSlopes(fuse, [low, high], { symbols: open }))
  assert.deepEqual([...w.read().keys()].sort(), Object.keys(shapes).sort())
  assertSlopes(await compareSlopes((l, h) => gateConcat(w, l, h), [low, high]))
})

test('Conv-Gate whose projections are zero is plain LLaVA', async () => {
  const w = randomWeights(convGateShapes(4, 6), 0)
  assert.deepEqual((await evaluate((l, h) => convGate(w, l, h), [low, high])).data, low.data)
})

test('refuses maps that do not fit the tokens', () => {
  const [tokens, map] = [input('l', 'f32', [1, 9, 4]), input('h', 'f32', [1, 6, 4, 4])]
  const isGridError = (error: unknown): boolean => error instanceof GraphError && error.code === 'fusion-grid'
  assert.throws(() => convGate(randomWeights(convGateShapes(4, 6)), tokens, map), isGridError)
  const mining = randomWeights(normLinears(['query', 'aux', 'val'], [4, 6, 6], 4))
  assert.throws(() => patchInfoMining(mining, tokens, map), isGridError)
})

test('patch info mining differentiates and looks only inside the token’s own patch', async () => {
  const w = randomWeights(normLinears(['query', 'aux', 'val'], [4, 5, 5], 4))
  const mine = (l: Tensor, m: Tensor): Tensor => patchInfoMining(w, l, m)
  const map = randomTensor([1, 5, 6, 6], 3)
  const tokens = randomTensor([1, 9, 4], 4)
  assertSlopes(await compareSlopes(mine, [tokens, map]))
  const moved = map.data.slice()
  moved[2 * 6 + 3] = moved[2 * 6 + 3]! + 1 // row 2, column 3: patch (1, 1), token 4
  const [before, after] = [
    await evaluate(mine, [tokens, map]),
    await evaluate(mine, [tokens, { ...map, data: moved }]),
  ]
  const changed = new Set([...before.data.keys()].filter((i) => before.data[i] !== after.data[i]))
  assert.deepEqual(new Set([...changed].map((i) => Math.floor(i / 4))), new Set([4]))
})

test('in a grid every view mines its own part of the map; the whole comes first', async () => {
  const w = randomWeights(normLinears(['query', 'aux', 'val'], [4, 5, 5], 4))
  const views = randomTensor([1, 5, 4, 4], 5)
  const map = randomTensor([1, 5, 8, 8], 6)
  const mine = (l: Tensor, m: Tensor): Tensor => miniGeminiHd(w, l, m, 2)
  assertSlopes(await compareSlopes(mine, [views, map]))
  const moved = map.data.slice()
  moved[7] = moved[7]! + 1 // the upper right corner: of the second tile, whose second token sees it, and of the whole
  const before = await evaluate(mine, [views, map])
  const after = await evaluate(mine, [views, { ...map, data: moved }])
  const changed = [...before.data.keys()].filter((i) => before.data[i] !== after.data[i])
  assert.deepEqual([...new Set(changed.map((i) => Math.floor(i / 4)))], [1, 4 + 4 + 1])
})

test('boxes attend to tokens and tokens to boxes; masked boxes are not seen', async () => {
  const boxes = randomTensor([2, 3, 5], 6)
  const toFeatures = randomWeights(normLinears(['query', 'key', 'val'], [5, 4, 4], 5))
  assertSlopes(await compareSlopes((b, t) => boxesToFeatures(toFeatures, b, t), [boxes, low]))

  const toBoxes = randomWeights(normLinears(['query', 'key', 'val'], [4, 5, 5], 4))
  const isBox = hostTensor('bool', [2, 3], Uint8Array.of(1, 1, 0, 1, 0, 0))
  const attend = (t: Tensor, b: Tensor, seen: Tensor): Tensor => featuresToBoxes(toBoxes, t, b, seen)
  assertSlopes(await compareSlopes(attend, [low, boxes, isBox]))
  const other: HostTensor<'f32'> = { ...boxes, data: boxes.data.slice() }
  other.data.fill(7, 10, 15) // the third box of the first picture
  other.data.fill(7, 20, 30) // the second and third of the second
  assert.deepEqual(
    (await evaluate(attend, [low, other, isBox])).data,
    (await evaluate(attend, [low, boxes, isBox])).data,
  )
})

test('crops that were cut outside the graph give the patches of S2 that cuts in it', async () => {
  const picture = randomTensor([1, 3, 4, 4], 8)
  const tower = (pixels: Tensor): Tensor => patchify(pixels, 2) // [N, 4, 12]
  const withPrefix = (pixels: Tensor): Tensor => {
    const patches = tower(pixels)
    return concat([slice(patches, 1, 0, 1), patches], 1)
  }
  const sizes = [4, 8, 12]
  const whole = await evaluate(
    (x) => slice(s2Features(x, withPrefix, { sizes, maxSplitSize: 4, prefixTokens: 1 }), 1, 1, 5),
    [picture],
  )
  const crops = sizes.flatMap((size) => [...splitCrops(scalePixels(picture, size), size / 4).data])
  const patches = await evaluate(tower, [hostTensor('f32', [14, 3, 4, 4], Float32Array.from(crops))])
  const cut = hostTensor('f32', [1, 14, 4, 12], patches.data as Float32Array)
  closeTo(await evaluate((x) => fuseCrops(x, [1, 2, 3]), [cut]), whole)
  assertSlopes(await compareSlopes((x) => fuseCrops(x, [1, 2, 3]), [cut], { symbols: [['B', 14, 4, 12]] }))
})
