import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { safetensorsChunks, type TensorToWrite } from '../src/checkpoint/write-safetensors.ts'
import { sizeOf } from '../src/tensor/dtype.ts'
import { f32ToBf16 } from '../src/tensor/half.ts'
import { elementCount } from '../src/tensor/tensor.ts'
import { type KnownModel, knownModels } from './known-models.ts'
import { writeRandomTokenizer } from './random-tokenizer.ts'

/**
 * `node scripts/random-checkpoint.ts --model mini-monkey --out DIR [--dtype bf16|f32] [--seed 1]`: a checkpoint of a
 * published model's true size in its official layout, with random weights. For measuring, not for answers.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    out: { type: 'string' },
    dtype: { type: 'string', default: 'bf16' },
    seed: { type: 'string', default: '1' },
  },
})
const known = knownModels[values.model ?? '']
const dtype = values.dtype === 'f32' ? 'f32' : 'bf16'
if (!known || !values.out || !['bf16', 'f32'].includes(values.dtype)) {
  process.stderr.write(
    `usage: random-checkpoint --model ${Object.keys(knownModels).join('|')} --out DIR [--dtype bf16|f32] [--seed N]\n`,
  )
  process.exit(2)
}

const noise = noiseBlock(Number(values.seed))
await writeModel(values.out, known())

async function writeModel(
  folder: string,
  { shapes: named, files, vocabSize, parts }: KnownModel,
): Promise<void> {
  const shapes = Object.entries(named)
  await mkdir(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  if (vocabSize !== undefined) await writeRandomTokenizer(folder, vocabSize)
  for (const [name, part] of Object.entries(parts ?? {})) await writeModel(join(folder, name), part)
  if (shapes.length === 0) return
  const tensors = shapes.map(
    ([key, shape], place): TensorToWrite => ({
      key,
      dtype,
      shape,
      chunks: () => valuesOf(key, shape, place),
    }),
  )
  await pipeline(
    Readable.from(safetensorsChunks(tensors)),
    createWriteStream(join(folder, 'model.safetensors')),
  )
  const parameters = shapes.reduce((sum, [, shape]) => sum + elementCount(shape), 0)
  process.stderr.write(`${(parameters / 1e9).toFixed(2)} G parameters in ${folder}\n`)
}

/**
 * Norm scales are 1, layer scales 0.1; everything else is N(0, 0.02²), repeated out of one block of noise. Each tensor
 * begins elsewhere in it: ONNX Runtime keeps equal weights once, which would make memory and time look better.
 */
function* valuesOf(key: string, shape: readonly number[], place: number): Generator<Uint8Array> {
  const isScale = /norm\d?\.weight$|mlp1\.0\.weight$|(stem\.1|downsample\.0)\.weight$/i.test(key)
  const constant = isScale ? 1 : /\.(ls[12]|gamma)$/.test(key) ? 0.1 : undefined
  let left = elementCount(shape) * sizeOf(dtype)
  if (constant !== undefined) {
    yield stored(new Float32Array(elementCount(shape)).fill(constant))
    return
  }
  let at = ((place * 1_000_003) % (noise.byteLength / sizeOf(dtype))) * sizeOf(dtype)
  while (left > 0) {
    const bytes = Math.min(left, noise.byteLength - at)
    yield noise.subarray(at, at + bytes)
    left -= bytes
    at = 0
  }
}

/** A block whose length has no small factors, so that rows of a matrix do not repeat. */
function noiseBlock(seed: number): Uint8Array {
  let state = seed >>> 0 || 1
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const block = Float32Array.from(
    { length: 4_194_301 },
    () => 0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  )
  return stored(block)
}

function stored(data: Float32Array): Uint8Array {
  const typed = dtype === 'f32' ? data : f32ToBf16(data)
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength)
}
