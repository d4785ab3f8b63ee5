import './no-telemetry.ts'
import { availableParallelism } from 'node:os'
import { env, InferenceSession, Tensor } from 'onnxruntime-node'
import { EngineError } from '../tensor/errors.ts'
import type { Engine } from './engine.ts'
import { graphOptions, ortSession } from './ort-session.ts'
import { openError } from './run-errors.ts'
import { weightFolder } from './weight-folder.ts'

// What it logs is in the errors that it throws; stderr is the program's own.
env.logLevel = 'fatal'

/** ONNX Runtime through its npm package for Node: CPU, and WebGPU or CUDA where the machine has them. */
export const nodeEngine: Engine = {
  name: 'onnxruntime-node',
  devices: ['cpu', 'webgpu', 'cuda'],
  async open(model, weights, options) {
    const held = weights.flatMap((file) =>
      'bytes' in file ? [{ path: file.location, data: file.bytes }] : [],
    )
    try {
      const session = await InferenceSession.create(model, {
        executionProviders: options.device === 'cpu' ? ['cpu'] : [options.device, 'cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: options.threads ?? availableParallelism(),
        logSeverityLevel: 4,
        ...(held.length > 0 && { externalData: held }),
        extra: {
          session: {
            model_external_initializers_file_folder_path: weightFolder(weights),
            force_spinning_stop: '1',
            disable_prepacking: (options.prepack ?? true) ? '0' : '1',
            x64quantprecision: options.widensIntegers ? '1' : '0',
          },
          ...graphOptions,
        },
      })
      return ortSession(Tensor, session)
    } catch (error) {
      throw error instanceof EngineError ? error : openError(options.device, error)
    }
  },
}
