import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor } from '../../tests/finite-differences.ts'
import { randomWeights } from '../../tests/random-weights.ts'
import { dim } from '../graph/dim.ts'
import { add, gelu } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { conv2d } from '../nn/conv.ts'
import { channelNorm } from '../nn/norm.ts'
import { convStem, convStemShapes } from './conv-stem.ts'
import { internVit } from './internvit.ts'
import { internVitConfig, internVitShapes } from './internvit-config.ts'

const channels = [4, 6]
const stem = { channels, blocks: [1, 2] }

test('is two strided convolutions with norm and GELU, and residual ones behind them', async () => {
  const w = randomWeights(convStemShapes(stem))
  const pixels = randomTensor([2, 3, 12, 8], 3)
  const made = await evaluate((x) => convStem(w, x, stem), [pixels])
  const plain = await evaluate(
    (x) =>
      channels.reduce((map, _, i) => {
        const at = w.at(i)
        const half = conv2d(at.at('conv'), map, { stride: 2, padding: 1 })
        return Array.from({ length: stem.blocks[i]! }).reduce<Tensor>(
          (x, _, block) => add(x, gelu(conv2d(at.at('blocks').at(block), x, { padding: 1 }))),
          gelu(channelNorm(at.at('norm'), half, 1e-6)),
        )
      }, x),
    [pixels],
  )
  assert.deepEqual(made.shape, [2, 6, 3, 2])
  closeTo(made, plain, { atol: 1e-5, rtol: 1e-4 })
})

test('differentiates with respect to pixels', async () => {
  const w = randomWeights(convStemShapes(stem))
  for (const { derived, measured, place } of await compareSlopes(
    (x) => convStem(w, x, stem),
    [randomTensor([1, 3, 8, 8], 4)],
  ))
    assert.ok(Math.abs(derived - measured) < 1e-2 * Math.max(1, Math.abs(measured)), place)
})

const tiny = {
  ...{ hidden_size: 8, num_attention_heads: 2, intermediate_size: 16, num_hidden_layers: 1 },
  ...{ patch_size: 8, image_size: 32, qkv_bias: true, qk_normalization: false, norm_type: 'layer_norm' },
}

test('a tower with a stem embeds what the stem leaves of a patch', () => {
  const config = internVitConfig.parse({ ...tiny, stem_channels: channels, stem_blocks: [0, 1] })
  const shapes = internVitShapes(config)
  assert.deepEqual(shapes['embeddings.patch_embedding.weight'], [8, 6, 2, 2])
  const w = randomWeights(shapes)
  const { hiddenStates } = internVit(w, input('pixels', 'f32', [dim('N'), 3, 32, 32]), config)
  assert.deepEqual(hiddenStates.at(-1)!.shape.map(String), ['N', '17', '8'])
  assert.deepEqual([...w.read().keys()].sort(), Object.keys(shapes).sort())
})

test('a patch that the stem cannot halve is refused', () => {
  const { error } = internVitConfig.safeParse({ ...tiny, patch_size: 14, stem_channels: channels })
  assert.match(error!.issues[0]!.message, /multiple of 2 to the power/)
})
