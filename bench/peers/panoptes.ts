import { checkpointOfEntries } from '../../src/checkpoint/entries.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import { openCheckpoint } from '../../src/checkpoint/open.ts'
import { DecoderPrograms } from '../../src/decoders/programs.ts'
import { decoderOf } from '../../src/decoders/registry.ts'
import { DecoderSequence } from '../../src/decoders/sequence.ts'
import { Weights } from '../../src/graph/weights.ts'
import { chooseEngine } from '../../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../../src/runtime/precision.ts'
import { diskStore } from '../../src/runtime/weight-cache.ts'
import { hostTensor } from '../../src/tensor/tensor.ts'
import { type DecoderRequest, serve, size, timed } from './protocol.ts'

/** `node bench/peers/panoptes.ts MODEL PRECISION [int8]`: a Mini-Monkey checkpoint's decoder, also with an int8 cache. */
const [folder, precision, kvCache] = process.argv.slice(2) as [string, Precision, 'int8'?]
const source = await folderSource(folder)
const checkpoint = await openCheckpoint(source)
const config = JSON.parse(new TextDecoder().decode(await source.read('config.json'))).llm_config
const decoder = decoderOf(config, 'config.json')
const language = checkpointOfEntries(
  'language model',
  checkpoint.keys().map((key) => checkpoint.entry(key)),
)
const programs = await DecoderPrograms.compile(decoder, new Weights(language).at('language_model'), {
  compile: {
    engine: await chooseEngine(),
    device: 'cpu',
    precision: precisionsOf(precision),
    quantised: diskStore(),
    keepsBothForms: true,
    kvCache,
  },
})
const sequence = new DecoderSequence(programs)
const embeddings = hostTensor(
  'f32',
  [1, 512, size.width],
  Float32Array.from({ length: 512 * size.width }, (_, i) => Math.sin(i) / 50),
)
const first = hostTensor('f32', [1, 1, size.width], embeddings.data.subarray(0, size.width))

async function holdTokens(count: number): Promise<void> {
  sequence.truncate(count)
  while (sequence.length < count) await extend(Math.min(512, count - sequence.length))
}

async function extend(tokens: number): Promise<void> {
  const data = embeddings.data.subarray(0, tokens * size.width)
  const { hidden } = await sequence.extend(hostTensor('f32', [1, tokens, size.width], data))
  await programs.logits(hostTensor('f32', [1, size.width], hidden.data.slice(-size.width)))
}

await serve<DecoderRequest>(async (request) => {
  await holdTokens(request.past)
  if (request.op === 'prefill')
    return timed(async () => {
      for (let done = 0; done < request.tokens; done += 512)
        await extend(Math.min(512, request.tokens - done))
    })
  return timed(async () => {
    for (let i = 0; i < request.count; i++) {
      const { hidden } = await sequence.extend(first)
      await programs.logits(hostTensor('f32', [1, size.width], hidden.data))
    }
  })
})
