import type { InferenceSession, TensorConstructor } from 'onnxruntime-common'
import { checkData, checkNames } from './check-tensors.ts'
import { copyInto } from './copy-into.ts'
import type { EngineSession, NamedTensors } from './engine.ts'
import { fromOrt, toOrt } from './ort-tensor.ts'
import { runAborted, runFailed, sessionDisposed } from './run-errors.ts'

/**
 * How every binding has its graphs optimised, beside level `all`: fusing Add with LayerNormalization makes both five
 * times slower (engine facts, section 2).
 */
export const graphOptions = { optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' } } as const

/** A session of ONNX Runtime's JavaScript API, which onnxruntime-node and onnxruntime-web share. */
export function ortSession(Tensor: TensorConstructor, session: InferenceSession): EngineSession {
  let disposal: Promise<void> | undefined
  return {
    async run(feeds, fetch, { outputs = {}, signal } = {}) {
      if (disposal) throw sessionDisposed()
      // The JavaScript API cannot stop a run that has begun.
      if (signal?.aborted) throw runAborted()
      checkNames(session.inputNames, session.outputNames, feeds, [...fetch, ...Object.keys(outputs)])
      for (const [name, tensor] of Object.entries(feeds)) checkData('feed', name, tensor)
      for (const [name, tensor] of Object.entries(outputs)) checkData('output', name, tensor)
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toOrt(Tensor, t)]))
      const results = await session.run(inputs, fetch).catch((error: unknown) => {
        throw runFailed(error)
      })
      return Object.fromEntries(
        fetch.map((name) => {
          const result = fromOrt(results[name]!)
          return [name, outputs[name] ? copyInto(name, outputs[name], result) : result]
        }),
      ) as NamedTensors
    },
    dispose() {
      disposal ??= session.release()
      return disposal
    },
  }
}
