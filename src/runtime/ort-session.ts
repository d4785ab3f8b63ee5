import type { InferenceSession, TensorConstructor } from 'onnxruntime-common'
import { EngineError } from '../tensor/errors.ts'
import type { Device, EngineSession, NamedTensors } from './engine.ts'
import { fromOrt, toOrt } from './ort-tensor.ts'

/**
 * How every binding has its graphs optimised, beside level `all`: fusing Add with LayerNormalization makes both five
 * times slower (engine facts, section 2).
 */
export const graphOptions = { optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' } } as const

/** A session of ONNX Runtime's JavaScript API, which onnxruntime-node and onnxruntime-web share. */
export function ortSession(Tensor: TensorConstructor, session: InferenceSession): EngineSession {
  let isDisposed = false
  return {
    async run(feeds, fetch) {
      if (isDisposed)
        throw new EngineError('session-disposed', 'This program was disposed and cannot run again.')
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toOrt(Tensor, t)]))
      try {
        const outputs = await session.run(inputs, fetch)
        return Object.fromEntries(fetch.map((name) => [name, fromOrt(outputs[name]!)])) as NamedTensors
      } catch (error) {
        throw new EngineError('run-failed', `ONNX Runtime failed: ${engineMessage(error)}`, {}, error)
      }
    },
    async dispose() {
      if (isDisposed) return
      isDisposed = true
      await session.release()
    },
  }
}

/** The error of a session that could not be made, told apart by what a caller can do about it. */
export function openError(device: Device, error: unknown): EngineError {
  const message = engineMessage(error)
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
  return text.replace(/\s+/g, ' ').slice(0, 600)
}
