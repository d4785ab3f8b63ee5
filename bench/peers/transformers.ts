import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeDecoder } from './decoder-onnx.ts'
import { importPeer, peerFolder } from './install.ts'
import { type DecoderRequest, serve, size, timed } from './protocol.ts'
import { type PeerTensor, type TransformersModule, transformersVersion } from './transformers-module.ts'

/**
 * `node bench/peers/transformers.ts`: transformers.js by its own `generate`, greedily, on the CPU. It hands the whole
 * cache back to its session every token; one step for all tokens of a prompt, as it reads them.
 */
const folder = join(peerFolder, 'decoder-q4')
if (!existsSync(join(folder, 'onnx/model_q4.onnx'))) {
  writeDecoder(join(folder, 'onnx/model_q4.onnx'))
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
let held = new DynamicCache()

/** The cache after a prompt of `prompt` tokens, of which those of `past` are not read again, and `count` answered ones. */
async function generate(past: typeof held, prompt: number, count: number): Promise<typeof held> {
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

async function holdTokens(count: number): Promise<void> {
  if (held.get_seq_length() > count) held = shortened(count)
  while (held.get_seq_length() < count)
    held = await generate(held, Math.min(held.get_seq_length() + 512, count), 1)
}

/** The first `count` cells of the held cache. */
function shortened(count: number): typeof held {
  if (count === 0) return new DynamicCache()
  const { kvHeads, headSize } = size
  const entries = Object.entries(held as unknown as Record<string, PeerTensor>).map(([name, tensor]) => {
    const data = new Float32Array(kvHeads * count * headSize)
    const cells = tensor.dims[2]!
    for (let head = 0; head < kvHeads; head++) {
      const from = head * cells * headSize
      data.set(tensor.data.subarray(from, from + count * headSize), head * count * headSize)
    }
    return [name, new Tensor('float32', data, [1, kvHeads, count, headSize])] as const
  })
  return new DynamicCache(Object.fromEntries(entries))
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
  await holdTokens(request.past)
  return timed(() =>
    request.op === 'prefill'
      ? generate(held, request.past + request.tokens, 1)
      : generate(held, request.past + 1, request.count),
  )
})
