import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type DType, viewBytes } from '../../src/tensor/dtype.ts'
import { type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'

/** How far a value may be from the expected one: |actual − expected| ≤ atol + rtol·|expected|. */
export interface Tolerance {
  readonly atol: number
  readonly rtol: number
}

/** What `case.json` says. */
export interface GoldenDescription {
  readonly title: string
  readonly config: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, string>>
  readonly expected: Readonly<Record<string, string>>
  /**
   * By tensor name without `expected.`, by a pattern with `*`, or `default` for all others; none for tables, which
   * must match exactly.
   */
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

/** One folder of recorded results of an official implementation. */
export interface GoldenCase {
  readonly folder: string
  /** The folder's name without a trailing `-b`, `-c` …: the name of the runner. */
  readonly kind: string
  readonly json: GoldenDescription
  /** `input.*` and `expected.*`; empty when the case is a table. */
  readonly io: ReadonlyMap<string, HostTensor>
  /** The path of a file of the folder. */
  file(name: string): string
}

/** What a runner computed through the public path. */
export interface GoldenResult {
  /** Actual values under the names of the expected ones without `expected.`. */
  readonly tensors?: ReadonlyMap<string, HostTensor>
  /** One line for every entry of a table that differs. */
  readonly mismatches?: readonly string[]
  /** How many expected tensors or table entries were looked at. */
  readonly checked: number
}

/** A file of `runners/` exports this under the name `run`. */
export type GoldenRunner = (golden: GoldenCase) => Promise<GoldenResult>

/** Reads `case.json` and, where there is one, `io.safetensors`. */
export async function loadGoldenCase(folder: string): Promise<GoldenCase> {
  const file = (name: string) => join(folder, name)
  const json = JSON.parse(await readFile(file('case.json'), 'utf8')) as GoldenDescription
  const bytes = await readFile(file('io.safetensors')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const kind = basename(folder).replace(/-[a-z]$/, '')
  return { folder, kind, json, io: bytes ? readTensors(bytes) : new Map(), file }
}

/** The tensors of a small, trusted safetensors file; checkpoints are read by src/checkpoint. */
function readTensors(bytes: Uint8Array): Map<string, HostTensor> {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, HostTensor>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const dtype = entry.dtype.toLowerCase() as DType
    const [start, end] = entry.data_offsets
    tensors.set(
      name,
      hostTensor(dtype, entry.shape, viewBytes(dtype, bytes.slice(8 + length + start, 8 + length + end))),
    )
  }
  return tensors
}
