import { EngineError } from '../tensor/errors.ts'
import type { Engine, EngineSession, SessionOptions, WeightFile } from './engine.ts'
import { callAsync } from './native/api.ts'
import { type OrtLibrary, openOrtLibrary } from './native/library.ts'
import { NativeMemory } from './native/memory.ts'
import { pin } from './native/pinning.ts'
import { NativeSession } from './native/session.ts'
import { nativeOptions } from './native/session-options.ts'
import { readSignature } from './native/signature.ts'
import { check } from './native/status.ts'
import { openError } from './run-errors.ts'

/**
 * ONNX Runtime on the CPU through its C API, in the library that onnxruntime-node ships, called by koffi: runs leave
 * the event loop free, results and caches stay in place, and a run can be stopped.
 * @throws EngineError `engine-unavailable`
 */
export async function openNativeEngine(): Promise<Engine> {
  const library = await openOrtLibrary()
  const memory = new NativeMemory(library)
  return {
    name: 'native',
    devices: ['cpu'],
    memory,
    async open(model, weights, options) {
      try {
        return await openSession(library, memory, model, weights, options)
      } catch (error) {
        throw error instanceof EngineError ? error : openError(options.device, error)
      }
    },
  }
}

async function openSession(
  library: OrtLibrary,
  memory: NativeMemory,
  model: Uint8Array,
  weights: readonly WeightFile[],
  options: SessionOptions,
): Promise<EngineSession> {
  const { api, env } = library
  const bytes = pin(model.buffer) ? model : new Uint8Array(model)
  const { pointer, held } = nativeOptions(library, weights, options)
  const out = new BigUint64Array(1)
  try {
    check(
      api,
      await callAsync(api.CreateSessionFromArray, [env, bytes, bytes.byteLength, pointer, out], held),
    )
  } finally {
    api.ReleaseSessionOptions(pointer)
  }
  return new NativeSession(library, memory, out[0]!, readSignature(library, out[0]!))
}
