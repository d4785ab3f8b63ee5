import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { f32ToF16 } from '../../src/tensor/half.ts'
import { size } from './protocol.ts'

/** The block types of llama.cpp that the bench writes: values a block, bytes a block, its number. */
const types = {
  f32: { block: 1, bytes: 4, id: 0 },
  q4_0: { block: 32, bytes: 18, id: 2 },
  q8_0: { block: 32, bytes: 34, id: 8 },
} as const
type TypeName = keyof typeof types

interface TensorInfo {
  readonly name: string
  /** The fastest-running axis first, as GGUF has it. */
  readonly shape: readonly number[]
  readonly type: TypeName
}

const alignment = 32

/** Writes a Llama of the bench's size with random weights as GGUF 3. The output head is 8-bit, as llama.cpp keeps it. */
export async function writeGguf(path: string, type: 'q4_0' | 'q8_0'): Promise<void> {
  const tensors = tensorInfos(type)
  await pipeline(Readable.from(fileChunks(tensors)), createWriteStream(path))
}

function tensorInfos(type: TypeName): TensorInfo[] {
  const { width, inner, heads, kvHeads, headSize, vocab, layers } = size
  const matrix = (name: string, from: number, to: number): TensorInfo => ({ name, shape: [from, to], type })
  const norm = (name: string): TensorInfo => ({ name, shape: [width], type: 'f32' })
  const blocks = Array.from({ length: layers }, (_, i) => {
    const at = (name: string): string => `blk.${i}.${name}.weight`
    return [
      norm(at('attn_norm')),
      matrix(at('attn_q'), width, heads * headSize),
      matrix(at('attn_k'), width, kvHeads * headSize),
      matrix(at('attn_v'), width, kvHeads * headSize),
      matrix(at('attn_output'), heads * headSize, width),
      norm(at('ffn_norm')),
      matrix(at('ffn_gate'), width, inner),
      matrix(at('ffn_up'), width, inner),
      matrix(at('ffn_down'), inner, width),
    ]
  })
  return [
    matrix('token_embd.weight', width, vocab),
    ...blocks.flat(),
    norm('output_norm.weight'),
    { ...matrix('output.weight', width, vocab), type: 'q8_0' },
  ]
}

function bytesOf({ shape, type }: TensorInfo): number {
  const { block, bytes } = types[type]
  return (shape.reduce((a, b) => a * b, 1) / block) * bytes
}

function aligned(offset: number): number {
  return Math.ceil(offset / alignment) * alignment
}

function* fileChunks(tensors: readonly TensorInfo[]): Generator<Uint8Array> {
  let offset = 0
  const infos = tensors.map((tensor) => {
    const info = { ...tensor, offset }
    offset = aligned(offset + bytesOf(tensor))
    return info
  })
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(metadata.length),
    ...metadata,
    ...infos.map(({ name, shape, type, offset }) =>
      Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(types[type].id), u64(offset)]),
    ),
  ])
  yield header
  yield Buffer.alloc(aligned(header.length) - header.length)
  for (const info of infos) {
    const bytes = bytesOf(info)
    for (let at = 0; at < bytes; at += noise[info.type].length)
      yield noise[info.type].subarray(0, Math.min(noise[info.type].length, bytes - at))
    yield Buffer.alloc(aligned(bytes) - bytes)
  }
}

/** A stretch of blocks that is repeated: small random weights of each type; norms are ones. */
const noise: Readonly<Record<TypeName, Buffer>> = {
  f32: Buffer.from(new Float32Array(size.width).fill(1).buffer),
  q4_0: noiseBlocks(types.q4_0.bytes, 0.006),
  q8_0: noiseBlocks(types.q8_0.bytes, 0.0004),
}

function noiseBlocks(blockBytes: number, scale: number): Buffer {
  const count = 65_521
  const bytes = Buffer.alloc(count * blockBytes)
  let state = 1
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = state >>> 24
  }
  const half = Buffer.from(f32ToF16(Float32Array.of(scale)).buffer)
  for (let block = 0; block < count; block++) half.copy(bytes, block * blockBytes)
  return bytes
}

function u32(value: number): Buffer {
  return Buffer.from(Uint32Array.of(value).buffer)
}

function u64(value: number): Buffer {
  return Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function entry(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(key), u32(type), value])
}

function list(type: number, values: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(type), u64(values.length), ...values])
}

const f32 = (value: number): Buffer => Buffer.from(Float32Array.of(value).buffer)
const integer = (key: string, value: number): Buffer => entry(key, 4, u32(value))
/** The vocabulary's texts and llama.cpp's number for their kinds: control, byte, normal. */
const tokens = Array.from({ length: size.vocab }, (_, i): { text: string; kind: number } => {
  if (i < 3) return { text: ['<unk>', '<s>', '</s>'][i]!, kind: 3 }
  if (i < 259) return { text: `<0x${(i - 3).toString(16).toUpperCase().padStart(2, '0')}>`, kind: 6 }
  return { text: `w${i}`, kind: 1 }
})

const metadata: readonly Buffer[] = [
  entry('general.architecture', 8, text('llama')),
  entry('general.name', 8, text('bench')),
  integer('llama.context_length', size.context),
  integer('llama.embedding_length', size.width),
  integer('llama.block_count', size.layers),
  integer('llama.feed_forward_length', size.inner),
  integer('llama.attention.head_count', size.heads),
  integer('llama.attention.head_count_kv', size.kvHeads),
  integer('llama.rope.dimension_count', size.headSize),
  integer('llama.vocab_size', size.vocab),
  entry('llama.attention.layer_norm_rms_epsilon', 6, f32(size.rmsEpsilon)),
  entry('llama.rope.freq_base', 6, f32(size.ropeBase)),
  entry('tokenizer.ggml.model', 8, text('llama')),
  entry(
    'tokenizer.ggml.tokens',
    9,
    list(
      8,
      tokens.map((token) => text(token.text)),
    ),
  ),
  entry(
    'tokenizer.ggml.scores',
    9,
    list(
      6,
      tokens.map((_, i) => f32(-i)),
    ),
  ),
  entry(
    'tokenizer.ggml.token_type',
    9,
    list(
      5,
      tokens.map((token) => u32(token.kind)),
    ),
  ),
  integer('tokenizer.ggml.bos_token_id', 1),
  integer('tokenizer.ggml.eos_token_id', 2),
]
