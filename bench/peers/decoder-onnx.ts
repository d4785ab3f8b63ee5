import type { ValueInfoProto } from '../../src/graph/onnx/proto.ts'
import { OnnxFile } from './onnx-file.ts'
import { size } from './protocol.ts'

/**
 * Writes the bench's decoder with random weights as the Llamas of transformers.js are exported in q4: one
 * GroupQueryAttention a layer with rotary positions inside, 4-bit products in blocks of 32, a float embedding, the whole
 * cache in and out. As in newer exports `num_logits_to_keep` spares the logits of all tokens but the last.
 */
export async function writeDecoder(path: string): Promise<void> {
  const file = new OnnxFile(path)
  const { graph } = file
  const [tokens, total] = lengths(file)
  const tables = rotaryTables().map((values, i) =>
    file.floats(i === 0 ? 'cos_cache' : 'sin_cache', [size.context, size.headSize / 2], values),
  )
  let stream = graph.node('Gather', [
    file.weight('embed_tokens', 'f32', [size.vocab, size.width], noiseFloats),
    'input_ids',
  ])
  let normed = graph.node('SimplifiedLayerNormalization', [stream, norm(file, 'layers.0.input')], {
    axis: -1,
    epsilon: { float: size.rmsEpsilon },
    stash_type: 1,
  })
  for (let i = 0; i < size.layers; i++) {
    const at = `layers.${i}`
    const { width, inner, heads, kvHeads, headSize } = size
    const q = product(file, `${at}.q_proj`, normed, width, heads * headSize)
    const k = product(file, `${at}.k_proj`, normed, width, kvHeads * headSize)
    const v = product(file, `${at}.v_proj`, normed, width, kvHeads * headSize)
    const past = [`past_key_values.${i}.key`, `past_key_values.${i}.value`]
    file.contrib(
      'GroupQueryAttention',
      [q, k, v, ...past, tokens, total, ...tables],
      [`${at}.attention`, `present.${i}.key`, `present.${i}.value`],
      { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1, scale: { float: headSize ** -0.5 } },
    )
    const attended = product(file, `${at}.o_proj`, `${at}.attention`, heads * headSize, width)
    ;[normed, stream] = addAndNorm(file, `${at}.post_attention`, stream, attended)
    const gate = product(file, `${at}.gate_proj`, normed, width, inner)
    const up = product(file, `${at}.up_proj`, normed, width, inner)
    const silu = graph.node('Mul', [gate, graph.node('Sigmoid', [gate])])
    const down = product(file, `${at}.down_proj`, graph.node('Mul', [silu, up]), inner, width)
    ;[normed, stream] = addAndNorm(file, `layers.${i + 1}.input`, stream, down)
  }
  // The last n tokens; of 0, which starts at token −0, all.
  const start = graph.node('Reshape', [graph.node('Neg', ['num_logits_to_keep']), graph.ints([1])])
  const kept = graph.node('Slice', [normed, start, graph.ints([2 ** 31 - 1]), graph.ints([1])])
  product(file, 'lm_head', kept, size.width, size.vocab, 'logits')
  await file.finish(inputs, outputs)
}

/** The attention mask's counts as GroupQueryAttention wants them: each row's last position, and the length of all. */
function lengths({ graph }: OnnxFile): [string, string] {
  const count = graph.node('ReduceSum', ['attention_mask', graph.ints([1])], { keepdims: 1 })
  const last = graph.node('Cast', [graph.node('Sub', [count, graph.ints([1])])], { to: 6 })
  const length = graph.node('Gather', [graph.node('Shape', ['attention_mask']), graph.whole(1)], { axis: 0 })
  return [last, graph.node('Cast', [length], { to: 6 })]
}

/** x·Wᵀ with 4-bit blocks. [B, T, from] → [B, T, to]. */
function product(
  file: OnnxFile,
  name: string,
  x: string,
  from: number,
  to: number,
  output = `${name}.output`,
): string {
  const blocks = from / 32
  const weights = file.weight(`${name}.quant`, 'u8', [to, blocks, 16], noiseBytes)
  const scales = file.weight(`${name}.scales`, 'f32', [to * blocks], blockScales)
  const attributes = { K: from, N: to, bits: 4, block_size: 32, accuracy_level: 4 }
  file.contrib('MatMulNBits', [x, weights, scales], [output], attributes)
  return output
}

/** The normed sum and the sum. */
function addAndNorm(file: OnnxFile, name: string, stream: string, branch: string): [string, string] {
  const results: [string, string] = [`${name}.normed`, `${name}.sum`]
  file.contrib(
    'SkipSimplifiedLayerNormalization',
    [stream, branch, norm(file, name)],
    [results[0], '', '', results[1]],
    { epsilon: { float: size.rmsEpsilon } },
  )
  return results
}

function norm(file: OnnxFile, name: string): string {
  return file.floats(`${name}_layernorm`, [size.width], new Float32Array(size.width).fill(1))
}

/** Cosines and sines, [context, D/2] each. */
function rotaryTables(): Float32Array[] {
  const half = size.headSize / 2
  const angles = Array.from(
    { length: size.context * half },
    (_, i) => Math.floor(i / half) * size.ropeBase ** (-(i % half) / half),
  )
  return [Float32Array.from(angles, Math.cos), Float32Array.from(angles, Math.sin)]
}

/** Bytes of two 4-bit numbers each, from −8 to 7 with the offset of 8. The length shares no factor with a row's. */
const noiseBytes = ((): Uint8Array => {
  let state = 1
  return Uint8Array.from({ length: 1_048_573 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state >>> 24
  })
})()
const noiseFloats = asBytes(Float32Array.from(noiseBytes, (byte) => (byte - 127.5) / 4000))
const blockScales = asBytes(new Float32Array(65_536).fill(0.004))

function asBytes({ buffer }: Float32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(buffer)
}

const cache = (name: string, length: string): ValueInfoProto[] =>
  Array.from({ length: size.layers }, (_, i) =>
    ['key', 'value'].map(
      (kind): ValueInfoProto => ({
        name: `${name}.${i}.${kind}`,
        dtype: 'f32',
        shape: ['batch_size', size.kvHeads, length, size.headSize],
      }),
    ),
  ).flat()
const inputs: readonly ValueInfoProto[] = [
  { name: 'input_ids', dtype: 'i64', shape: ['batch_size', 'sequence_length'] },
  { name: 'attention_mask', dtype: 'i64', shape: ['batch_size', 'total_sequence_length'] },
  { name: 'num_logits_to_keep', dtype: 'i64', shape: [] },
  ...cache('past_key_values', 'past_sequence_length'),
]
const outputs: readonly ValueInfoProto[] = [
  { name: 'logits', dtype: 'f32', shape: ['batch_size', 'kept_length', size.vocab] },
  ...cache('present', 'total_sequence_length'),
]
