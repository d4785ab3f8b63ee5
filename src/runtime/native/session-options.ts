import { availableParallelism } from 'node:os'
import type { SessionOptions, WeightFile } from '../engine.ts'
import { graphOptions } from '../ort-session.ts'
import { weightFolder } from '../weight-folder.ts'
import type { Pointer } from './api.ts'
import type { OrtLibrary } from './library.ts'
import { pin } from './pinning.ts'
import { check } from './status.ts'

/** `ORT_ENABLE_ALL`. */
const everyOptimisation = 99
/** Errors are thrown; printed as well they would spoil a program's output. */
const logFatal = 4

/** The options of one session, and what they point into until the session is open. */
export interface NativeOptions {
  readonly pointer: Pointer
  readonly held: readonly Uint8Array[]
}

/** Session options of the C API; the caller releases `pointer`. */
export function nativeOptions(
  library: OrtLibrary,
  weights: readonly WeightFile[],
  { threads, prepack = true, widensIntegers = false }: SessionOptions,
): NativeOptions {
  const { api } = library
  const entries = {
    'session.model_external_initializers_file_folder_path': weightFolder(weights),
    // Threads that wait for work between two runs would take the cores from the program that uses us.
    'session.force_spinning_stop': '1',
    'session.disable_prepacking': prepack ? '0' : '1',
    'session.x64quantprecision': widensIntegers ? '1' : '0',
    'optimization.disable_specified_optimizers': graphOptions.optimization.disable_specified_optimizers,
  }
  const out = new BigUint64Array(1)
  check(api, api.CreateSessionOptions(out))
  const pointer = out[0]!
  try {
    check(api, api.SetSessionLogSeverityLevel(pointer, logFatal))
    check(api, api.SetSessionGraphOptimizationLevel(pointer, everyOptimisation))
    check(api, api.SetIntraOpNumThreads(pointer, threads ?? availableParallelism()))
    for (const [key, value] of Object.entries(entries))
      check(api, api.AddSessionConfigEntry(pointer, key, value))
    return { pointer, held: addWeightBytes(library, pointer, weights) }
  } catch (error) {
    api.ReleaseSessionOptions(pointer)
    throw error
  }
}

/** Hands over the weight files that are in memory. */
function addWeightBytes(
  { ffi, api }: OrtLibrary,
  options: Pointer,
  weights: readonly WeightFile[],
): readonly Uint8Array[] {
  const files = weights.filter((file) => 'bytes' in file)
  if (files.length === 0) return []
  const isWide = process.platform === 'win32'
  const names = files.map(({ location }) => Buffer.from(`${location}\0`, isWide ? 'utf16le' : 'utf8'))
  const parts = files.map(({ bytes }) => (pin(bytes.buffer) ? bytes : new Uint8Array(bytes)))
  const addresses = (arrays: readonly Uint8Array[]): BigUint64Array =>
    BigUint64Array.from(arrays, (array) => BigInt(ffi.address(array)))
  const lengths = BigUint64Array.from(parts, ({ byteLength }) => BigInt(byteLength))
  check(
    api,
    api.AddExternalInitializersFromFilesInMemory(
      options,
      addresses(names),
      addresses(parts),
      lengths,
      files.length,
    ),
  )
  return [...names, ...parts]
}
