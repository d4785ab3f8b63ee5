import { availableParallelism } from 'node:os'
import { basename, dirname } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { EngineError } from '../tensor/errors.ts'
import type { Engine, WeightFile } from './engine.ts'
import { graphOptions, openError, ortSession } from './ort-session.ts'

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
        logSeverityLevel: 3,
        ...(held.length > 0 && { externalData: held }),
        extra: {
          session: {
            model_external_initializers_file_folder_path: weightFolder(weights),
            force_spinning_stop: '1',
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

/** The one folder that holds all mapped weight files under their locations. */
function weightFolder(weights: readonly WeightFile[]): string {
  const folders = new Set<string>()
  for (const file of weights) {
    if (!('localPath' in file)) continue
    if (basename(file.localPath) !== file.location)
      throw new EngineError(
        'weights-elsewhere',
        `The engine finds weights by their file's name, but ${file.location} is called ${file.localPath}.`,
      )
    folders.add(dirname(file.localPath))
  }
  if (folders.size > 1)
    throw new EngineError(
      'weights-scattered',
      `The engine maps the weights of one program from one folder, but they lie in ${[...folders].join(' and ')}.`,
    )
  return folders.values().next().value ?? '.'
}
