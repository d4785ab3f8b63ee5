import type koffi from 'koffi'

/** An address in the process. Null pointers are null. */
export type Pointer = bigint

/** A pointer argument: an address, or a typed array whose memory is passed. */
type PointerArgument = Pointer | NodeJS.ArrayBufferView | null

/** The status that a function of the C API returns: null is success. */
export type Status = Pointer | null

const p = 'void *'
const text = 'const char *'

/**
 * The functions of ONNX Runtime's C API that this binding calls: the position of each in `OrtApi`, its result and its
 * parameters. Positions are those of onnxruntime_c_api.h (1.30); the struct only ever grows at its end, so they hold
 * for every later version. The tests of engines and programs call each.
 */
const functions = {
  GetErrorCode: [1, 'int', [p]],
  GetErrorMessage: [2, text, [p]],
  CreateEnv: [3, p, ['int', text, p]],
  CreateSessionFromArray: [8, p, [p, p, 'size_t', p, p]],
  Run: [9, p, [p, p, p, p, 'size_t', p, 'size_t', p]],
  CreateSessionOptions: [10, p, [p]],
  SetSessionLogSeverityLevel: [22, p, [p, 'int']],
  SetSessionGraphOptimizationLevel: [23, p, [p, 'int']],
  SetIntraOpNumThreads: [24, p, [p, 'int']],
  SessionGetInputCount: [30, p, [p, p]],
  SessionGetOutputCount: [31, p, [p, p]],
  SessionGetInputTypeInfo: [33, p, [p, 'size_t', p]],
  SessionGetOutputTypeInfo: [34, p, [p, 'size_t', p]],
  SessionGetInputName: [36, p, [p, 'size_t', p, p]],
  SessionGetOutputName: [37, p, [p, 'size_t', p, p]],
  CreateRunOptions: [39, p, [p]],
  RunOptionsSetTerminate: [46, p, [p]],
  CreateTensorWithDataAsOrtValue: [49, p, [p, p, 'size_t', p, 'size_t', 'int', p]],
  GetTensorMutableData: [51, p, [p, p]],
  CastTypeInfoToTensorInfo: [55, p, [p, p]],
  GetTensorElementType: [60, p, [p, p]],
  GetDimensionsCount: [61, p, [p, p]],
  GetDimensions: [62, p, [p, p, 'size_t']],
  GetTensorTypeAndShape: [65, p, [p, p]],
  CreateCpuMemoryInfo: [69, p, ['int', 'int', p]],
  AllocatorFree: [76, p, [p, p]],
  GetAllocatorWithDefaultOptions: [78, p, [p]],
  ReleaseStatus: [93, 'void', [p]],
  ReleaseSession: [95, 'void', [p]],
  ReleaseValue: [96, 'void', [p]],
  ReleaseRunOptions: [97, 'void', [p]],
  ReleaseTypeInfo: [98, 'void', [p]],
  ReleaseTensorTypeAndShapeInfo: [99, 'void', [p]],
  ReleaseSessionOptions: [100, 'void', [p]],
  AddSessionConfigEntry: [130, p, [p, text, text]],
  AddExternalInitializersFromFilesInMemory: [279, p, [p, p, p, p, 'size_t']],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>

/** The version of the table that is asked for: all functions above are in it, and later libraries still give it. */
export const apiVersion = 18

type ArgumentOf<T extends string> = T extends typeof p
  ? PointerArgument
  : T extends typeof text
    ? string
    : number

type ArgumentsOf<T extends readonly string[]> = { -readonly [K in keyof T]: ArgumentOf<T[K]> }

type ResultOf<T extends string> = T extends typeof p
  ? Status
  : T extends typeof text
    ? string
    : T extends 'void'
      ? undefined
      : number

/** A C function: called at once, or on a thread of its own. */
interface NativeFunction<A extends readonly unknown[], R> {
  (...args: A): R
  readonly async: (...args: [...A, (error: unknown, result: R) => void]) => void
}

/** The C API as functions; those that return a status leave checking it to the caller. */
export type OrtApi = {
  readonly [K in keyof typeof functions]: NativeFunction<
    ArgumentsOf<(typeof functions)[K][2]>,
    ResultOf<(typeof functions)[K][1]>
  >
}

/** Makes functions of a table of pointers. */
export function ortApi(ffi: typeof koffi, table: Pointer): OrtApi {
  const last = Math.max(...Object.values(functions).map(([index]) => index))
  const pointers = ffi.decode(table, 'void *', last + 1) as Pointer[]
  const entries = Object.entries(functions).map(([name, [index, result, parameters]]) => {
    const type = ffi.proto(result, [...parameters])
    return [name, ffi.decode(pointers[index], type) as unknown]
  })
  return Object.fromEntries(entries) as OrtApi
}

/** What calls under way point into. */
const held = new Set<readonly unknown[]>()

/** Calls an API function on another thread; its arguments and what is in `holding` stay in memory until it ends. */
export function callAsync<A extends readonly unknown[], R>(
  call: NativeFunction<A, R>,
  args: A,
  holding: readonly unknown[] = [],
): Promise<R> {
  const kept = [args, holding]
  held.add(kept)
  return new Promise<R>((resolve, reject) => {
    call.async(...args, (error, result) => {
      if (error) reject(error)
      else resolve(result)
    })
  }).finally(() => held.delete(kept))
}
