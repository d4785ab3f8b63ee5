import { AbortError, EngineError } from '../tensor/errors.ts'
import type { Device } from './engine.ts'

export function sessionDisposed(): EngineError {
  return new EngineError('session-disposed', 'This program was disposed and cannot run again.')
}

export function runAborted(): AbortError {
  return new AbortError('aborted', 'The run was stopped.')
}

/** What ONNX Runtime says when a tensor that was given for a result does not have its shape. */
const misshapen = /OrtValue provided for output '|(?:Invalid rank|invalid dimensions) for output:/

/** The ways in which native code and WebAssembly say that there is no memory left. */
const noMemory = /bad_alloc|out of memory|failed to allocate|allocation failed/i

/** The error of a run that the engine ended. */
export function runFailed(error: unknown): EngineError {
  const message = engineMessage(error)
  if (noMemory.test(message))
    return new EngineError(
      'out-of-memory',
      `There is not enough memory for this run (${message}). Ask with fewer or smaller pictures, or load the model in int8.`,
      {},
      error,
    )
  return misshapen.test(message)
    ? new EngineError('output-data', `A tensor given for an output does not fit: ${message}`, {}, error)
    : new EngineError('run-failed', `ONNX Runtime failed: ${message}`, {}, error)
}

/** The error of a session that could not be made, told apart by what a caller can do about it. */
export function openError(device: Device, error: unknown): EngineError {
  const message = engineMessage(error)
  if (noMemory.test(message))
    return new EngineError(
      'out-of-memory',
      `There is not enough memory for the program (${message})` +
        (device === 'wasm' ? '; WebAssembly has 4 GiB for all models of a page. ' : '. ') +
        'Load the model in int8 or int4, or dispose of another first.',
      { device },
      error,
    )
  const isMissing =
    /backend not found|no available backend|not (?:supported|enabled|available)|cuda|webgpu/i.test(message)
  return device !== 'cpu' && device !== 'wasm' && isMissing
    ? new EngineError(
        'device-unavailable',
        `The device '${device}' cannot be used here (${message}). Use --device cpu, or install what the device needs.`,
        { device },
        error,
      )
    : new EngineError('model-refused', `ONNX Runtime refused the program: ${message}`, { device }, error)
}

/** An engine's error in one line, cut where it grows long. */
export function engineMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const withoutSource = text.replace(
    /\S+\.(?:cc|cpp|h):\d+ .*?(?:\) was false\.|\[ONNXRuntimeError\]|was false\.) ?/g,
    '',
  )
  return withoutSource.replace(/\s+/g, ' ').slice(0, 600)
}
