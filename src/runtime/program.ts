import { bindShapes, type OnnxProgram, writeOnnx } from '../graph/onnx/write.ts'
import type { Tensor, TensorSpec } from '../graph/tensor.ts'
import { EngineError } from '../tensor/errors.ts'
import type { Device, Engine, EngineSession, NamedTensors } from './engine.ts'
import { placeWeights } from './place-weights.ts'

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
