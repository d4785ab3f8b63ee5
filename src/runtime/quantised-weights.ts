import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { memorySource } from '../checkpoint/memory.ts'
import { readSafetensors } from '../checkpoint/safetensors.ts'
import { safetensorsChunks, type TensorToWrite } from '../checkpoint/write-safetensors.ts'
import type { QuantisedWeight } from '../graph/lower-linears.ts'
import { type DType, sizeOf, viewBytes } from '../tensor/dtype.ts'
import { CheckpointError, EngineError } from '../tensor/errors.ts'
import { toFloat32 } from '../tensor/half.ts'
import { blockSize, quantiseRow, quantiseRowBlocks } from '../tensor/quantise.ts'
import { oneAtATime } from './one-at-a-time.ts'

export type QuantisedForm = QuantisedWeight['form']

/** Counts what changes the bytes made from one weight; part of a cached weight's name. */
export const recipeVersion = 1

/** Where quantised weights come from: made on demand, kept for later. */
export interface QuantisedStore {
  /** @throws CheckpointError `weight-not-finite` */
  get(entry: WeightEntry, form: QuantisedForm): Promise<QuantisedWeight>
  /** A computed weight in a file that the engine can map; absent where there are no files. */
  placed?(entry: WeightEntry): Promise<WeightEntry>
}

/** A store that keeps everything in memory, in the layout that the engine is handed: browsers and tests. */
export function memoryStore(): QuantisedStore {
  const made = new Map<WeightEntry, Map<QuantisedForm, Promise<QuantisedWeight>>>()
  const makeInTurn = oneAtATime() // each needs memory of its own while it is made
  return {
    get(entry, form) {
      const forms = made.get(entry) ?? new Map<QuantisedForm, Promise<QuantisedWeight>>()
      made.set(entry, forms)
      const known = forms.get(form) ?? makeInTurn(() => quantiseInMemory(entry, form))
      forms.set(form, known)
      return known
    },
  }
}

let sourcesMade = 0

async function quantiseInMemory(entry: WeightEntry, form: QuantisedForm): Promise<QuantisedWeight> {
  const chunks: Uint8Array[] = []
  for await (const chunk of quantisedFile(entry, form)) chunks.push(chunk)
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  const path = 'quantised.safetensors'
  const source = memorySource(`quantised weight ${sourcesMade++}`, new Map([[path, bytes]]))
  const weight = quantisedWeight(await readSafetensors(source, path), entry, form)
  if (!weight) throw new EngineError('quantised-shape', `${entry.key} was quantised into another shape.`)
  return weight
}

/**
 * The entries of a file written by `quantisedFile` as the weight that they make; undefined when they are not of this
 * weight and form.
 */
export function quantisedWeight(
  entries: readonly WeightEntry[],
  entry: WeightEntry,
  form: QuantisedForm,
): QuantisedWeight | undefined {
  const expected = shapesOf(entry, form)
  const find = (key: 'values' | 'scales'): WeightEntry | undefined =>
    entries.find(
      (found) =>
        found.key === key &&
        found.dtype === expected[key].dtype &&
        found.shape.join() === expected[key].shape.join(),
    )
  const values = find('values')
  const scales = find('scales')
  if (!values || !scales || entries.length !== 2) return undefined
  return form === 'int4' ? { form, values, scales, blockSize } : { form, values, scales }
}

interface TensorShape {
  readonly dtype: DType
  readonly shape: readonly number[]
}

function shapesOf({ shape }: WeightEntry, form: QuantisedForm): { values: TensorShape; scales: TensorShape } {
  const [rows, columns] = shape as [number, number]
  if (form === 'int8')
    return { values: { dtype: 'i8', shape: [columns, rows] }, scales: { dtype: 'f32', shape: [rows] } }
  const blocks = Math.ceil(columns / blockSize)
  return {
    values: { dtype: 'u8', shape: [rows, blocks, blockSize / 2] },
    scales: { dtype: 'f32', shape: [rows * blocks] },
  }
}

/**
 * A weight's quantised form as a safetensors file in pieces. The source is read some rows at a time; only the result
 * is ever whole in memory.
 * @throws CheckpointError `weight-not-finite`
 */
export async function* quantisedFile(entry: WeightEntry, form: QuantisedForm): AsyncGenerator<Uint8Array> {
  const { values, scales } = form === 'int8' ? await toColumns(entry) : await toBlocks(entry)
  const bad = scales.findIndex((scale) => !Number.isFinite(scale))
  if (bad >= 0)
    throw new CheckpointError(
      'weight-not-finite',
      `${entry.key} holds NaN or infinity and cannot be quantised. Load it in fp32, or pull the checkpoint again.`,
      { key: entry.key },
    )
  const shapes = shapesOf(entry, form)
  const tensors = { values, scales }
  yield* safetensorsChunks(
    (['values', 'scales'] as const).map(
      (key): TensorToWrite => ({ key, ...shapes[key], chunks: () => pieces(tensors[key]) }),
    ),
  )
}

const pieceBytes = 2 ** 24

function* pieces({
  buffer,
  byteOffset,
  byteLength,
}: Int8Array | Uint8Array | Float32Array): Generator<Uint8Array> {
  for (let at = 0; at < byteLength; at += pieceBytes)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at))
}

/** Rows transposed together: a cache line of the result. */
const slabRows = 64

/** [N, K] → s8 [K, N], as the engine multiplies it, and a scale a column. */
async function toColumns(entry: WeightEntry): Promise<{ values: Int8Array; scales: Float32Array }> {
  const [N, K] = entry.shape as [number, number]
  const values = new Int8Array(N * K)
  const scales = new Float32Array(N)
  const slab = new Int8Array(slabRows * K)
  for await (const { first, rows } of rowGroups(entry, slabRows)) {
    const count = rows.length / K
    for (let row = 0; row < count; row++)
      scales[first + row] = quantiseRow(rows.subarray(row * K, (row + 1) * K), slab, row * K)
    for (let k = 0; k < K; k++) {
      let at = k * N + first
      for (let from = k; from < count * K; from += K) values[at++] = slab[from]!
    }
  }
  return { values, scales }
}

/** [N, K] → 4-bit blocks [N, ⌈K/b⌉, b/2] and a scale a block. */
async function toBlocks(entry: WeightEntry): Promise<{ values: Uint8Array; scales: Float32Array }> {
  const [N, K] = entry.shape as [number, number]
  const blocks = Math.ceil(K / blockSize)
  const rowBytes = (blocks * blockSize) / 2
  const values = new Uint8Array(N * rowBytes)
  const scales = new Float32Array(N * blocks)
  for await (const { first, rows } of rowGroups(entry, slabRows))
    for (let row = 0; row < rows.length / K; row++) {
      const n = first + row
      quantiseRowBlocks(rows.subarray(row * K, (row + 1) * K), values, n * rowBytes, scales, n * blocks)
    }
  return { values, scales }
}

/** Bytes of a weight that are read at a time. */
const readBytes = 2 ** 23

/** A matrix as float32, `atOnce` rows at a time (fewer at the end). */
async function* rowGroups(
  entry: WeightEntry,
  atOnce: number,
): AsyncGenerator<{ first: number; rows: Float32Array }> {
  const [N, K] = entry.shape as [number, number]
  const rowBytes = K * sizeOf(entry.dtype)
  const { place } = entry
  const whole = place ? undefined : (await entry.read()).data
  const groupRows = atOnce * Math.max(1, Math.floor(readBytes / rowBytes / atOnce))
  for (let from = 0; from < N; from += groupRows) {
    const to = Math.min(N, from + groupRows)
    const data = place
      ? viewBytes(
          entry.dtype,
          await place.source.readRange(place.path, place.offset + from * rowBytes, (to - from) * rowBytes),
        )
      : whole!.subarray(from * K, to * K)
    for (let first = from; first < to; first += atOnce) {
      const part = data.subarray((first - from) * K, (Math.min(to, first + atOnce) - from) * K)
      const rows = toFloat32({ dtype: entry.dtype, shape: [part.length], data: part }).data
      yield { first, rows }
    }
  }
}
