import type { DType } from '../tensor/dtype.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/** Where programs run. `cpu` and `cuda` need Node; `wasm` is the CPU of a browser; `webgpu` runs in both. */
export type Device = 'cpu' | 'wasm' | 'webgpu' | 'cuda'

/** A weight file that a session needs beside its graph. */
export type WeightFile =
  /** On this machine: the engine maps it. */
  | { readonly location: string; readonly localPath: string }
  /** In memory (browsers). */
  | { readonly location: string; readonly bytes: Uint8Array }

export interface SessionOptions {
  readonly device: Device
  /** Threads of one operator; the engine's choice when absent. */
  readonly threads?: number | undefined
  /**
   * Whether weights may be copied into the order that the kernels like best; true by default. Without it float
   * weights stay mapped from their files: they open in milliseconds and are shared between processes, and products
   * take 10 to 30 % longer (engine facts, section 3).
   */
  readonly prepack?: boolean | undefined
  /** Makes 8-bit products exact on processors whose own overflow (`integerForm`); false by default. */
  readonly widensIntegers?: boolean | undefined
}

/** What `run` takes and returns: tensors by name. */
export type NamedTensors = Readonly<Record<string, HostTensor>>

/** What a caller may ask of one run. */
export interface RunControl {
  /**
   * Tensors that results are written into, by output name: of exactly the result's type and shape. An engine with
   * memory of its own writes into a tensor of `EngineMemory` in place, and such a tensor may be a feed of the same
   * run where the operators read a cell no later than they write it.
   */
  readonly outputs?: NamedTensors | undefined
  /** Stops the run between two operators. */
  readonly signal?: AbortSignal | undefined
}

/** One compiled graph, resident with its weights. */
export interface EngineSession {
  /**
   * Runs the graph and returns the outputs named in `fetch`: those given in `control.outputs` as they were given,
   * the others newly allocated. Feeds must not change before the promise settles.
   * @throws EngineError `run-failed`, `session-disposed`, `feed-data`, `output-data`; AbortError `aborted`
   */
  run(feeds: NamedTensors, fetch: readonly string[], control?: RunControl): Promise<NamedTensors>
  /** Frees the weights until the next run, unless one is under way; absent where a session stays open. */
  rest?(): Promise<void>
  /** Frees the session and its weights; a run that is under way is stopped. Running afterwards is an error. */
  dispose(): Promise<void>
}

/** Memory that an engine's runs read and write in place. */
export interface EngineMemory {
  /** A zero-filled tensor in it. It is freed with the tensor, or earlier by `free`. */
  allocate<D extends DType>(dtype: D, shape: readonly number[]): HostTensor<D>
  /** Frees a tensor's memory now, or when the last run that uses it has ended. Its data mean nothing afterwards. */
  free(tensor: HostTensor): void
  /** Bytes of feeds and results that runs have copied between this memory and ordinary arrays so far. */
  readonly bytesCopied: number
}

/** A binding to ONNX Runtime. Bindings are interchangeable: programs, caches and systems know only this interface. */
export interface Engine {
  readonly name: string
  readonly devices: readonly Device[]
  /** Absent where runs cannot use a caller's memory in place. */
  readonly memory?: EngineMemory | undefined
  /** @throws EngineError `device-unavailable`, `model-refused` */
  open(model: Uint8Array, weights: readonly WeightFile[], options: SessionOptions): Promise<EngineSession>
}
