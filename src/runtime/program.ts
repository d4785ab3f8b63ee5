import type { WeightEntry, WeightPlace } from '../checkpoint/checkpoint.ts'
import { bindShapes, type OnnxProgram, writeOnnx } from '../graph/onnx/write.ts'
import { type Tensor, type TensorSpec, topologicalOrder } from '../graph/tensor.ts'
import { EngineError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Device, Engine, EngineSession, NamedTensors, WeightFile } from './engine.ts'

export interface CompileOptions {
  readonly engine: Engine
  readonly device: Device
  readonly threads?: number | undefined
  /** Also return every value that model code named with `tap`. */
  readonly taps?: boolean | undefined
}

/**
 * A graph compiled for an engine, with its weights. Half-precision and float weights stay in their files where the
 * engine can map them.
 */
export class Program {
  readonly name: string
  readonly inputs: ReadonlyMap<string, TensorSpec>
  readonly outputs: ReadonlyMap<string, TensorSpec>
  readonly #session: EngineSession

  private constructor(name: string, onnx: OnnxProgram, session: EngineSession) {
    this.name = name
    this.inputs = onnx.inputs
    this.outputs = onnx.outputs
    this.#session = session
  }

  /**
   * Compiles the graph below `outputs`.
   * @throws EngineError `device-unavailable`, `model-refused`; GraphError `unbound-symbol`
   */
  static async compile(
    name: string,
    outputs: Readonly<Record<string, Tensor>>,
    options: CompileOptions,
  ): Promise<Program> {
    const { engine, device } = options
    if (!engine.devices.includes(device))
      throw new EngineError(
        'device-unavailable',
        `${engine.name} cannot run on '${device}'. Use one of: ${engine.devices.join(', ')}.`,
        { device, devices: engine.devices },
      )
    const weights = await placeWeights(Object.values(outputs), device)
    const onnx = writeOnnx(name, outputs, {
      target: { device },
      taps: options.taps ?? false,
      locate: (entry) => weights.places.get(entry),
      values: (entry) => weights.values.get(entry)!,
    })
    const session = await engine.open(onnx.bytes, weights.files, { device, threads: options.threads })
    return new Program(name, onnx, session)
  }

  /**
   * Runs the program: tensors by input name in, tensors by output name out (all outputs unless `fetch` names some).
   * @throws EngineError `feed-shape` when an input is missing or misshapen, `run-failed`
   */
  async run(feeds: NamedTensors, fetch: readonly string[] = [...this.outputs.keys()]): Promise<NamedTensors> {
    bindShapes(this.name, this.inputs, feeds)
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.inputs.has(name)))
    return this.#session.run(used, fetch)
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}

interface PlacedWeights {
  readonly places: ReadonlyMap<WeightEntry, { location: string; offset: number; length: number }>
  readonly values: ReadonlyMap<WeightEntry, HostTensor>
  readonly files: readonly WeightFile[]
}

/** Decides for every weight whether the engine maps it from its file or gets its values inside the model. */
async function placeWeights(outputs: readonly Tensor[], device: Device): Promise<PlacedWeights> {
  const entries = new Set<WeightEntry>()
  for (const { source } of topologicalOrder(outputs)) if (source.kind === 'weight') entries.add(source.entry)

  const files = new Map<string, WeightFile>()
  const located = new Map<string, Promise<WeightFile>>()
  const places = new Map<WeightEntry, { location: string; offset: number; length: number }>()
  const values = new Map<WeightEntry, HostTensor>()
  for (const entry of entries) {
    const { place } = entry
    if (!place || place.length === 0) {
      values.set(entry, await entry.read())
      continue
    }
    const id = `${place.source.name}\n${place.path}`
    if (!located.has(id)) located.set(id, weightFile(place, device))
    const file = await located.get(id)!
    const other = files.get(file.location)
    if (other && pathOf(other) !== pathOf(file))
      throw new EngineError(
        'weights-scattered',
        `Two weight files of one program are called ${file.location}. Rename one, or join them into one folder.`,
        { location: file.location },
      )
    files.set(file.location, file)
    places.set(entry, { location: file.location, offset: place.offset, length: place.length })
  }
  return { places, values, files: [...files.values()] }
}

/** What tells weight files of one location apart. */
const pathOf = (file: WeightFile): unknown => ('localPath' in file ? file.localPath : file.bytes)

async function weightFile(place: WeightPlace, device: Device): Promise<WeightFile> {
  const localPath = device === 'wasm' ? undefined : await place.source.localPath(place.path)
  if (localPath !== undefined) return { location: localPath.split(/[\\/]/).at(-1)!, localPath }
  return { location: place.path.replaceAll('/', '_'), bytes: await place.source.read(place.path) }
}
