import '../no-telemetry.ts'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type Koffi from 'koffi'
import { EngineError } from '../../tensor/errors.ts'
import { apiVersion, callAsync, type OrtApi, ortApi, type Pointer, type Status } from './api.ts'
import { check } from './status.ts'

/** ONNX Runtime's shared library, open in this process for its whole life. */
export interface OrtLibrary {
  readonly ffi: typeof Koffi
  readonly api: OrtApi
  /** Such as `1.30.0`. */
  readonly version: string
  readonly env: Pointer
  /** How the library is told that memory is the CPU's. */
  readonly cpuMemory: Pointer
  /** The library's own allocator, for the names that it returns. */
  readonly allocator: Pointer
}

/**
 * The stack of an asynchronous call: graph optimisation and kernels run on it, and koffi's 128 KiB are far too few
 * for them. Only what is touched takes memory.
 */
const stackBytes = 8 * 2 ** 20

/** Errors are thrown; printed as well they would spoil a program's output. */
const logFatal = 4

let opened: Promise<OrtLibrary> | undefined

/** Every handle, for ever: koffi unloads a library, code and all, when its handle is collected. */
const handles: unknown[] = []

/**
 * The library that onnxruntime-node ships for this platform.
 * @throws EngineError `engine-unavailable` where koffi or the library is missing, does not load or is too old
 */
export function openOrtLibrary(): Promise<OrtLibrary> {
  opened ??= open().catch((error: unknown) => {
    throw error instanceof EngineError ? error : unavailable(error)
  })
  return opened
}

async function open(): Promise<OrtLibrary> {
  const { default: ffi } = await import('koffi')
  if ((ffi.config().async_stack_size ?? 0) < stackBytes) ffi.config({ async_stack_size: stackBytes })
  const library = ffi.load(libraryPath())
  handles.push(library)
  const base = library.func('OrtGetApiBase', 'void *', [])() as Pointer
  const [getApi, getVersion] = ffi.decode(base, 'void *', 2) as [Pointer, Pointer]
  const version = ffi.call(getVersion, ffi.proto('const char *', [])) as string
  const table = ffi.call(getApi, ffi.proto('void *', ['uint32_t']), apiVersion) as Pointer | null
  if (table === null) throw new Error(`ONNX Runtime ${version} does not know its API version ${apiVersion}`)
  const api = ortApi(ffi, table)
  const made = async (call: (out: BigUint64Array) => Status | Promise<Status>): Promise<Pointer> => {
    const out = new BigUint64Array(1)
    check(api, await call(out))
    return out[0]!
  }
  return {
    ffi,
    api,
    version,
    // Takes 30 ms, which the event loop does not wait for.
    env: await made((out) => callAsync(api.CreateEnv, [logFatal, 'panoptes', out])),
    cpuMemory: await made((out) => api.CreateCpuMemoryInfo(0, 0, out)),
    allocator: await made((out) => api.GetAllocatorWithDefaultOptions(out)),
  }
}

/** Where the installed onnxruntime-node keeps the library: bin/napi-v6/linux/x64/libonnxruntime.so.1 and alike. */
function libraryPath(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node')
  const bin = join(dirname(main), '..', 'bin')
  const versions = readdirSync(bin).filter((name) => name.startsWith('napi-v'))
  for (const version of versions) {
    const folder = join(bin, version, process.platform, process.arch)
    const file = existsSync(folder) && readdirSync(folder).find((name) => libraryName.test(name))
    if (file) return join(folder, file)
  }
  throw new Error(`onnxruntime-node has no library for ${process.platform} on ${process.arch}`)
}

const libraryName = /^(?:libonnxruntime\.(?:so|.*dylib)|onnxruntime\.dll$)/

function unavailable(error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error)
  return new EngineError(
    'engine-unavailable',
    `The native binding cannot be used here (${reason}). Choose the engine 'onnxruntime-node', or install koffi and ` +
      `onnxruntime-node for this platform.`,
    {},
    error,
  )
}
