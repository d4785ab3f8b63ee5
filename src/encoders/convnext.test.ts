import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareSlopes, randomTensor } from '../../tests/finite-differences.ts'
import { randomWeights } from '../../tests/random-weights.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { prefixShapes } from '../graph/weights.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { convNext, convNextEmbedding, stagesAtOneSize } from './convnext.ts'
import { convNextConfig, convNextShapes, namedConvNext } from './convnext-config.ts'

const tiny = convNextConfig.parse({ depths: [1, 2], dims: [4, 6] })

test('reads exactly the weights that its configuration names, under every layout', () => {
  for (const layerScale of ['gamma', 'weight'] as const)
    for (const prefix of ['', 'vision_']) {
      const shapes = Object.fromEntries(
        Object.entries(convNextShapes(tiny, layerScale)).map(([key, shape]) => [prefix + key, shape]),
      )
      const w = randomWeights(shapes)
      convNext(w, input('pixels', 'f32', [1, 3, 16, 16]), tiny)
      assert.deepEqual([...w.read().keys()].sort(), Object.keys(shapes).sort())
    }
})

test('floors the sides at every strided convolution and leaves the batch open', () => {
  const w = randomWeights(convNextShapes(tiny))
  const stages = convNext(w, input('pixels', 'f32', [dim('B'), 3, 23, 37]), tiny)
  assert.deepEqual(
    stages.map(({ shape }) => shape.map(String)),
    [
      ['B', '4', '5', '9'],
      ['B', '6', '2', '4'],
    ],
  )
  assert.deepEqual(stagesAtOneSize(stages).shape.map(String), ['B', '10', '5', '9'])
})

test('differentiates through both stages, their concatenation and the embedding', async () => {
  const shapes = {
    ...prefixShapes('trunk', convNextShapes(tiny)),
    'trunk.head.norm.weight': [6],
    'trunk.head.norm.bias': [6],
    'head.proj.weight': [3, 6],
  }
  const w = randomWeights(shapes)
  const pixels = randomTensor([2, 3, 9, 12], 5)
  for (const slope of await compareSlopes((x) => stagesAtOneSize(convNext(w.at('trunk'), x, tiny)), [pixels]))
    assertClose(slope)
  const embed = (x: ReturnType<typeof input>) =>
    convNextEmbedding(w, convNext(w.at('trunk'), x, tiny).at(-1)!, tiny)
  for (const slope of await compareSlopes(embed, [pixels])) assertClose(slope)
})

function assertClose({
  place,
  derived,
  measured,
}: {
  place: string
  derived: number
  measured: number
}): void {
  assert.ok(
    Math.abs(derived - measured) <= 5e-3 + 1e-2 * Math.abs(measured),
    `d/d${place} is ${derived}, measured ${measured}`,
  )
}

test('knows the published sizes by their timm names', () => {
  assert.deepEqual(namedConvNext('convnext_large.clip_laion2b_soup_ft_in12k').dims, [192, 384, 768, 1536])
  assert.equal(namedConvNext('convnext_xxlarge').norm_eps, 1e-5)
  assert.throws(
    () => namedConvNext('resnet50'),
    (error) => error instanceof CheckpointError && /convnext_large/.test(error.message),
  )
})

test('refuses stages without a width and even kernels', () => {
  assert.equal(convNextConfig.safeParse({ depths: [1, 1], dims: [4] }).success, false)
  assert.equal(convNextConfig.safeParse({ depths: [1], dims: [4], kernel_size: 4 }).success, false)
})
