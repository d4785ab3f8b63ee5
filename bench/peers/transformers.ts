import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeDecoder } from './decoder-onnx.ts'
import { importPeer, peerFolder } from './install.ts'
import { type DecoderRequest, serve, size, timed } from './protocol.ts'
import {
  type PeerCache,
  type PeerTensor,
  type TransformersModule,
  transformersVersion,
} from './transformers-module.ts'

/**
 * `node bench/peers/transformers.ts`: transformers.js by its own `generate`, greedily, on the CPU. It hands the whole
 * cache back to its session every token; one step for all tokens of a prompt, as it reads them.
 */
const folder = join(peerFolder, 'decoder-q4')
if (!existsSync(join(folder, 'onnx/model_q4.onnx'))) {
  await writeDecoder(join(folder, 'onnx/model_q4.onnx'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config()))
  writeFileSync(join(folder, 'generation_config.json'), '{}')
}
const { AutoModelForCausalLM, DynamicCache, Tensor, env } = await importPeer<TransformersModule>(
  '@huggingface/transformers',
  transformersVersion,
)
env.allowRemoteModels = false
env.localModelPath = peerFolder
const model = await AutoModelForCausalLM.from_pretrained('decoder-q4', { dtype: 'q4', device: 'cpu' })
const words = Array.from({ length: size.context }, (_, i) => 3 + ((i * 7919) % (size.vocab - 3)))
let held = filled(0)

/** The cache after a prompt of `prompt` tokens, of which those of `past` are not read again, and `count` answered ones. */
async function generate(past: PeerCache, prompt: number, count: number): Promise<PeerCache> {
  const { sequences, past_key_values: cache } = await model.generate({
    input_ids: new Tensor('int64', BigInt64Array.from(words.slice(0, prompt), BigInt), [1, prompt]),
    attention_mask: new Tensor('int64', new BigInt64Array(prompt).fill(1n), [1, prompt]),
    // A copy that holds the same tensors: the library replaces them in the cache that it is given.
    past_key_values: new DynamicCache(past as unknown as Record<string, PeerTensor>),
    max_new_tokens: count,
    do_sample: false,
    return_dict_in_generate: true,
  })
  // The last answered token is not read.
  const [read, told] = [cache.get_seq_length(), sequences.dims[1]]
  if (read !== prompt + count - 1 || told !== prompt + count)
    throw new Error(`${prompt} tokens and ${count} new ones gave ${told}, with ${read} in the cache`)
  return cache
}

/**
 * A cache of `count` tokens, with noise in its cells: reading thousands takes minutes, and no time depends on values.
 * The library's own caches are such tensors as well.
 */
function filled(count: number): PeerCache {
  if (count === 0) return new DynamicCache()
  const shape = [1, size.kvHeads, count, size.headSize]
  const data = Float32Array.from({ length: count * size.kvHeads * size.headSize }, (_, i) => Math.sin(i))
  const names = Array.from({ length: size.layers }, (_, i) =>
    ['key', 'value'].map((kind) => `past_key_values.${i}.${kind}`),
  ).flat()
  return new DynamicCache(
    Object.fromEntries(names.map((name) => [name, new Tensor('float32', data.slice(), shape)])),
  )
}

function config(): object {
  return {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: size.width,
    intermediate_size: size.inner,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    head_dim: size.headSize,
    vocab_size: size.vocab,
    'transformers.js_config': { use_external_data_format: { 'model_q4.onnx': 1 } },
  }
}

await serve<DecoderRequest>(async (request) => {
  if (held.get_seq_length() !== request.past) held = filled(request.past)
  return timed(() =>
    request.op === 'prefill'
      ? generate(held, request.past + request.tokens, 1)
      : generate(held, request.past + 1, request.count),
  )
})
