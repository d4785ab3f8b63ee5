import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../../tests/close-to.ts'
import { seededFloats } from '../../../tests/finite-differences.ts'
import { checkpointOf } from '../../checkpoint/entries.ts'
import { decoderOf } from '../../decoders/registry.ts'
import { dim } from '../../graph/dim.ts'
import { softmax } from '../../graph/ops/index.ts'
import { input } from '../../graph/tensor.ts'
import { Weights } from '../../graph/weights.ts'
import { chooseEngine } from '../../runtime/default-engine.ts'
import { Program } from '../../runtime/program.ts'
import { f32, zeros } from '../../tensor/tensor.ts'
import { IGNORED } from '../../text/labels.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { decoderGraphInputs, decoderStates } from '../decoder-graph.ts'
import { PLACES } from './places.ts'
import { Looks, pointedPlaces, pointingFeeds } from './pointing.ts'

const CONTEXT = 9
const pieces = ['<pad>', 'a', 'b', '\u2581', '\u2581the', '<0xE8>', '<end>']
const tokenizer = { tokenOf: (id: number) => pieces[id] } as Tokenizer
const [a, b, blank, the, byte, end] = [1, 2, 3, 4, 5, 6]

test('before each letter of an answer lies a look at the token that shows it, behind a word at the next one', () => {
  // Two visual tokens, a question, "a b", another question, "the a", one about what is nowhere.
  const answers = [
    [a, blank, b, end],
    [the, a, end],
    [b, end],
  ]
  const inputIds = [CONTEXT, CONTEXT, ...answers.flatMap((answer) => [7, ...answer])]
  const labels = inputIds.map((id) => (id === CONTEXT || id === 7 ? IGNORED : id))
  const [none, first, second] = [-1, 3, PLACES + 5]
  const read = [[second, first], [first, first, first, second], undefined]
  assert.deepEqual(pointedPlaces({ inputIds, labels }, read, tokenizer, CONTEXT), [
    ...[none, none],
    ...[second, first, first, none, none],
    ...[first, second, none, none],
    ...[none, none, none],
  ])
})

test('letters behind one that falls apart into bytes are looked for nowhere', () => {
  const inputIds = [CONTEXT, 7, a, byte, byte, b, end]
  const labels = inputIds.map((id, place) => (place < 2 ? IGNORED : id))
  assert.deepEqual(pointedPlaces({ inputIds, labels }, [[0, 0, 0]], tokenizer, CONTEXT), [
    ...[-1, 0, 0, -1, -1, -1, -1],
  ])
})

test('an answer’s first look counts more than the others, from the first labelled token on', () => {
  const labels = [
    [IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, 1, 2],
    Array<number>(8).fill(IGNORED),
  ]
  const row = { inputIds: [], labels: [], named: [] }
  const samples = [
    { ...row, pointed: [-1, -1, -1, -1, -1, 3 * PLACES + 1, 2 * PLACES, -1] },
    { ...row, pointed: [] },
  ]
  const { pointed, pointedPlaces, pointedWeights } = pointingFeeds(samples, { labels })
  assert.deepEqual([...pointed.data].map(Number), [0, 3, 2, 0, 0, 0, 0, 0])
  assert.deepEqual([...pointedPlaces.data].map(Number), [0, 1, 0, 0, 0, 0, 0, 0])
  assert.deepEqual([...pointedWeights.data], [0, 5 / 6, 1 / 6, 0, 0, 0, 0, 0].map(Math.fround))
})

test('an answer of one token counts half of one of four', () => {
  const none = { inputIds: [], labels: [], pointed: [], named: [] }
  const labels = [[IGNORED, 1, IGNORED, 2, 3, 4, 5]]
  const { weights } = pointingFeeds([none], { labels })
  assert.deepEqual([...weights.data], [1 / 3, 1 / 6, 1 / 6, 1 / 6, 1 / 6].map(Math.fround))
})

test('what is learned to look is the attention of the last layer but two', async () => {
  const random = seededFloats(3, -0.5, 0.5)
  const decoder = decoderOf(
    {
      ...{ model_type: 'internlm2', architectures: ['InternLM2ForCausalLM'], vocab_size: 7, hidden_size: 32 },
      ...{ num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 8, num_hidden_layers: 4 },
      ...{ rms_norm_eps: 1e-5, max_position_embeddings: 64 },
    } as { architectures: string[] },
    'test',
  )
  const randomTensor = (shape: readonly number[]) =>
    f32(shape, Array.from({ length: shape.reduce((x, y) => x * y, 1) }, random))
  const checkpoint = checkpointOf(
    'toy',
    new Map(Object.entries(decoder.shapes).map(([key, shape]) => [key, randomTensor(shape)])),
  )
  const w = new Weights(checkpoint)
  const [B, T] = [dim('B'), dim('T')]
  const embeddings = input('embeddings', 'f32', [B, T, 32])
  const looks = new Looks(decoder)
  decoderStates(decoder, w, embeddings, looks.onLayer)
  // The same layers over an empty past, which give their attention.
  const table = (name: string) => input(name, 'f32', [B, T, 4])
  const empty = input('past', 'f32', [B, 2, 0, 8])
  const past = { key: empty, value: empty }
  const context = { cos: table('cos'), sin: table('sin'), mask: input('mask', 'f32', [B, T, T]), past }
  let x = embeddings
  const attentions = Array.from({ length: 2 }, (_, layer) => {
    const given = decoder.block(w, layer, x, context)
    x = given.output
    return given.attention!
  })
  const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
  const feeds = {
    embeddings: randomTensor([2, 6, 32]),
    ...decoderGraphInputs(decoder, [Array(6).fill(true), Array(6).fill(true)], 2),
  }
  const looking = await Program.compile('looks', { found: softmax(looks.found.scores) }, compile)
  const whole = await Program.compile('attention', { found: attentions[1]! }, compile)
  const [found, expected] = [
    (await looking.run(feeds)).found!,
    (await whole.run({ ...feeds, past: zeros('f32', [2, 2, 0, 8]) })).found!,
  ]
  const lastFour = f32(
    [2, 4, 4, 6],
    Array.from({ length: 8 }, (_, head) => [
      ...(expected.data as Float32Array).slice(head * 36 + 12, head * 36 + 36),
    ]).flat(),
  )
  closeTo(found, lastFour, { atol: 1e-5, rtol: 1e-4 })
  await Promise.all([looking.dispose(), whole.dispose()])
})
