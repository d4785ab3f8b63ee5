import { EngineError, InputError } from '../tensor/errors.ts'
import type { Device, Engine } from './engine.ts'
import { openNativeEngine } from './native-engine.ts'

/** The bindings in Node by name. */
const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  native: openNativeEngine,
  'onnxruntime-node': openNodeEngine,
}

/** The names that `chooseEngine` takes. */
export const engineNames: readonly string[] = Object.keys(engines)

/**
 * The binding to use in Node: the one named by `name` or by the environment variable PANOPTES_ENGINE; otherwise
 * `native` on the CPU where koffi and the library load, and `onnxruntime-node` for other devices and elsewhere.
 * @throws InputError `engine-unknown`; EngineError `engine-unavailable` for a named binding that does not load
 */
export async function chooseEngine(
  name: string | undefined = process.env.PANOPTES_ENGINE || undefined,
  device: Device = 'cpu',
): Promise<Engine> {
  if (name !== undefined) {
    const open = Object.hasOwn(engines, name) ? engines[name] : undefined
    if (open) return open()
    throw new InputError(
      'engine-unknown',
      `There is no engine '${name}'. Use one of: ${engineNames.join(', ')}.`,
      { found: name, known: engineNames },
    )
  }
  if (device !== 'cpu') return openNodeEngine()
  return openNativeEngine().catch((error: unknown) => {
    if (error instanceof EngineError && error.code === 'engine-unavailable') return openNodeEngine()
    throw error
  })
}

/** Loaded only when it is used: the package starts an environment of its own. */
async function openNodeEngine(): Promise<Engine> {
  return (await import('./node-engine.ts')).nodeEngine
}
