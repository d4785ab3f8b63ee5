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
}

/** What `run` takes and returns: tensors by name. */
export type NamedTensors = Readonly<Record<string, HostTensor>>

/** One compiled graph, resident with its weights. */
export interface EngineSession {
  /**
   * Runs the graph and returns the outputs named in `fetch`, newly allocated.
   * @throws EngineError `run-failed`
   */
  run(feeds: NamedTensors, fetch: readonly string[]): Promise<NamedTensors>
  /** Frees the session and its weights. Running afterwards is an error. */
  dispose(): Promise<void>
}

/**
 * A binding to ONNX Runtime. Bindings are interchangeable: programs, caches and systems know only this interface.
 * One that owns device memory can keep tensors there by returning host tensors whose data it fills lazily.
 */
export interface Engine {
  readonly name: string
  readonly devices: readonly Device[]
  /** @throws EngineError `device-unavailable`, `model-refused` */
  open(model: Uint8Array, weights: readonly WeightFile[], options: SessionOptions): Promise<EngineSession>
}
