import type { OrtApi, Pointer, Status } from './api.ts'
import type { OrtLibrary } from './library.ts'
import { check } from './status.ts'

/** What a session takes or gives under one name. */
export interface Port {
  readonly name: string
  /** `ONNXTensorElementDataType`. */
  readonly elementType: number
  /** The name as a C string. */
  readonly text: Pointer
}

/** A session's inputs and outputs by name. */
export interface Signature {
  readonly inputs: ReadonlyMap<string, Port>
  readonly outputs: ReadonlyMap<string, Port>
  /** What `text` of the ports points into. */
  readonly memory: readonly Uint8Array[]
}

/** Reads the inputs and outputs of a session. */
export function readSignature(library: OrtLibrary, session: Pointer): Signature {
  const { api } = library
  const memory: Uint8Array[] = []
  const inputs = readPorts(
    library,
    memory,
    (out) => api.SessionGetInputCount(session, out),
    (i, out) => api.SessionGetInputName(session, i, library.allocator, out),
    (i, out) => api.SessionGetInputTypeInfo(session, i, out),
  )
  const outputs = readPorts(
    library,
    memory,
    (out) => api.SessionGetOutputCount(session, out),
    (i, out) => api.SessionGetOutputName(session, i, library.allocator, out),
    (i, out) => api.SessionGetOutputTypeInfo(session, i, out),
  )
  return { inputs, outputs, memory }
}

function readPorts(
  { ffi, api, allocator }: OrtLibrary,
  memory: Uint8Array[],
  count: (out: BigUint64Array) => Status,
  nameOf: (index: number, out: BigUint64Array) => Status,
  typeOf: (index: number, out: BigUint64Array) => Status,
): Map<string, Port> {
  const ports = new Map<string, Port>()
  const out = new BigUint64Array(1)
  check(api, count(out))
  const total = Number(out[0])
  for (let index = 0; index < total; index++) {
    check(api, nameOf(index, out))
    const name = ffi.decode.string(out[0])
    check(api, api.AllocatorFree(allocator, out[0]!))
    check(api, typeOf(index, out))
    const elementType = tensorElementType(api, out[0]!)
    const text = new TextEncoder().encode(`${name}\0`)
    memory.push(text)
    ports.set(name, { name, elementType, text: BigInt(ffi.address(text)) })
  }
  return ports
}

/** The element type of a type info, which is freed. */
function tensorElementType(api: OrtApi, info: Pointer): number {
  try {
    const out = new BigUint64Array(1)
    check(api, api.CastTypeInfoToTensorInfo(info, out))
    const type = new Int32Array(1)
    check(api, api.GetTensorElementType(out[0]!, type))
    return type[0]!
  } finally {
    api.ReleaseTypeInfo(info)
  }
}
