import { elementType } from '../../graph/onnx/proto.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import { checkData, checkNames, refuseData } from '../check-tensors.ts'
import type { EngineSession, NamedTensors, RunControl } from '../engine.ts'
import { runAborted, runFailed, sessionDisposed } from '../run-errors.ts'
import { callAsync, type Pointer } from './api.ts'
import { BorrowedTensors } from './borrowed-tensors.ts'
import type { OrtLibrary } from './library.ts'
import type { NativeMemory } from './memory.ts'
import { trimHeap } from './pages.ts'
import { RunResults } from './results.ts'
import type { Signature } from './signature.ts'
import { check } from './status.ts'

/** Frees the sessions that were collected without having been disposed of. */
const collected = new FinalizationRegistry<() => void>((release) => release())

/** A run under way. */
interface Flight {
  readonly stop: () => void
  readonly ended: Promise<unknown>
}

/** A session of the C API. Runs are off the event loop's thread; several may be under way. */
export class NativeSession implements EngineSession {
  readonly #library: OrtLibrary
  readonly #memory: NativeMemory
  readonly #session: Pointer
  readonly #signature: Signature
  readonly #flights = new Set<Flight>()
  #disposal: Promise<void> | undefined

  constructor(library: OrtLibrary, memory: NativeMemory, session: Pointer, signature: Signature) {
    this.#library = library
    this.#memory = memory
    this.#session = session
    this.#signature = signature
    collected.register(this, () => void callAsync(library.api.ReleaseSession, [session]), this)
  }

  async run(feeds: NamedTensors, fetch: readonly string[], control: RunControl = {}): Promise<NamedTensors> {
    if (this.#disposal) throw sessionDisposed()
    if (control.signal?.aborted) throw runAborted()
    this.#check(feeds, fetch, control.outputs ?? {})
    const borrowed = new BorrowedTensors(this.#library, this.#memory)
    try {
      const inputs = BigUint64Array.from(Object.values(feeds), (tensor) => borrowed.feed(tensor))
      const results = new RunResults(this.#library, this.#memory, fetch, control.outputs ?? {}, borrowed)
      try {
        await this.#fly(Object.keys(feeds), inputs, fetch, results.values, control.signal)
        return results.take()
      } finally {
        results.release()
      }
    } finally {
      borrowed.release()
    }
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#close()
    return this.#disposal
  }

  /** Stops the runs under way, then frees the session: a run that lasts would read freed weights. */
  async #close(): Promise<void> {
    collected.unregister(this)
    for (const flight of this.#flights) flight.stop()
    await Promise.allSettled([...this.#flights].map(({ ended }) => ended))
    await callAsync(this.#library.api.ReleaseSession, [this.#session])
    await trimHeap(this.#library.ffi)
  }

  #check(feeds: NamedTensors, fetch: readonly string[], outputs: NamedTensors): void {
    const { inputs, outputs: known } = this.#signature
    checkNames([...inputs.keys()], [...known.keys()], feeds, [...fetch, ...Object.keys(outputs)])
    for (const [name, port] of inputs) this.#checkTensor('feed', name, port.elementType, feeds[name]!)
    for (const [name, tensor] of Object.entries(outputs))
      this.#checkTensor('output', name, known.get(name)!.elementType, tensor)
  }

  #checkTensor(role: 'feed' | 'output', name: string, type: number, tensor: HostTensor): void {
    checkData(role, name, tensor)
    if (elementType[tensor.dtype] !== type) {
      const [expected] = Object.entries(elementType).find(([, number]) => number === type) ?? [`type ${type}`]
      refuseData(role, name, `it is ${tensor.dtype}, the program's is ${expected}`)
    }
    if (this.#memory.wasFreed(tensor.data)) refuseData(role, name, 'its memory was freed')
  }

  /** Runs on another thread; every pointer stays valid until it has ended because this frame holds its owner. */
  async #fly(
    feeds: readonly string[],
    inputs: BigUint64Array,
    fetch: readonly string[],
    results: BigUint64Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { api } = this.#library
    const inputNames = BigUint64Array.from(feeds, (name) => this.#signature.inputs.get(name)!.text)
    const outputNames = BigUint64Array.from(fetch, (name) => this.#signature.outputs.get(name)!.text)
    const out = new BigUint64Array(1)
    check(api, api.CreateRunOptions(out))
    const options = out[0]!
    const ended = callAsync(api.Run, [
      this.#session,
      options,
      inputNames,
      inputs,
      inputs.length,
      outputNames,
      outputNames.length,
      results,
    ])
    const stop = (): void => check(api, api.RunOptionsSetTerminate(options))
    const flight = { stop, ended }
    this.#flights.add(flight)
    signal?.addEventListener('abort', stop)
    try {
      check(api, await ended)
    } catch (error) {
      if (this.#disposal) throw sessionDisposed()
      if (signal?.aborted) throw runAborted()
      throw runFailed(error)
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#flights.delete(flight)
      api.ReleaseRunOptions(options)
    }
  }
}
