import { fuseAttention } from '../graph/fuse-attention.ts'
import { bindShapes, type OnnxProgram, writeOnnx } from '../graph/onnx/write.ts'
import type { Tensor, TensorSpec } from '../graph/tensor.ts'
import { type Work, workOf } from '../graph/work.ts'
import { EngineError } from '../tensor/errors.ts'
import { ownTurn } from '../tensor/turns.ts'
import type { Device, Engine, EngineSession, NamedTensors, RunControl } from './engine.ts'
import { lowered } from './lower.ts'
import { placeWeights } from './place-weights.ts'
import type { Part, Precisions } from './precision.ts'
import type { QuantisedStore } from './quantised-weights.ts'
import { RestingSession } from './resting-session.ts'
import { SwappedSession } from './swapped-session.ts'

export interface CompileOptions {
  readonly engine: Engine
  readonly device: Device
  readonly threads?: number | undefined
  /** Also return every value that model code named with `tap`. */
  readonly taps?: boolean | undefined
  /** How products of weights are computed; float32 by default. */
  readonly precision?: Precisions | undefined
  /** Which of the precisions is meant; `vision` by default. */
  readonly part?: Part | undefined
  /** The form that is wanted alone where the precision has one for few rows and one for many; both by default. */
  readonly rows?: 'few' | 'many' | undefined
  /**
   * How a decoder's cache holds the tokens of an answer while it is written: `int8` reads a quarter of the bytes and
   * rounds (prompts are read in fp32, rows padded at the left stay so). fp32 by default.
   */
  readonly kvCache?: 'fp32' | 'int8' | undefined
  /** Where quantised and computed weights are kept; in memory by default. */
  readonly quantised?: QuantisedStore | undefined
  /**
   * In int4: keeps open what is not used at the moment (`closesUnused`), so that changing between pictures, prompts and
   * answers takes no time and a 2 B model 2 GB more.
   */
  readonly keepsBothForms?: boolean | undefined
}

/**
 * Whether what is not used at the moment is closed, and opened again when it is: the vision tower once the pictures are
 * encoded, the form for many rows (int8) while an answer is written. That is the rule of int4, which is chosen for its
 * memory, unless `keepsBothForms`.
 */
export function closesUnused({ precision, keepsBothForms }: CompileOptions): boolean {
  return precision?.decoder === 'int4' && !keepsBothForms
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
  readonly #work: (sizes: ReadonlyMap<string, number>) => Work

  private constructor(
    name: string,
    onnx: OnnxProgram,
    session: EngineSession,
    outputs: Readonly<Record<string, Tensor>>,
  ) {
    this.name = name
    this.#work = workOf(Object.values(outputs))
    this.inputs = onnx.inputs
    this.outputs = onnx.outputs
    this.#session = session
  }

  /**
   * Compiles the graph below `outputs`.
   * @throws EngineError `device-unavailable`, `precision-unavailable`, `model-refused`; GraphError `unbound-symbol`;
   * what `QuantisedStore.get` throws
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
    await ownTurn() // as after each stretch of work below, so that no load holds the event loop for long
    const { many, few, widens } = await lowered(device === 'cpu' ? fuseAttention(outputs) : outputs, options)
    const { onnx, open } = await written(name, many, options, widens)
    if (!few) return new Program(name, onnx, await openedFor(options, open), outputs)
    const session = new SwappedSession({
      many: open,
      few: (await written(name, few.outputs, options, widens)).open,
      hasFewRows: (feeds) => few.isEnough(bindShapes(name, onnx.inputs, feeds)),
      keepsBoth: !closesUnused(options),
    })
    await session.open('many') // what runs first, and tells now what the engine refuses
    return new Program(name, onnx, session, outputs)
  }

  /**
   * Runs the program: tensors by input name in, tensors by output name out (all outputs unless `fetch` names some).
   * @throws EngineError `feed-shape` when an input is missing or misshapen; what `EngineSession.run` throws
   */
  async run(
    feeds: NamedTensors,
    fetch: readonly string[] = [...this.outputs.keys()],
    control?: RunControl,
  ): Promise<NamedTensors> {
    bindShapes(this.name, this.inputs, feeds)
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.inputs.has(name)))
    return this.#session.run(used, fetch, control)
  }

  /** What a run would compute, by the sizes of its inputs' dimensions. */
  work(sizes: Readonly<Record<string, number>>): Work {
    return this.#work(new Map(Object.entries(sizes)))
  }

  /**
   * Frees what a vision tower holds until it is run again, where `closesUnused` says so. Opening it again takes as long
   * as at first.
   */
  async rest(): Promise<void> {
    await this.#session.rest?.()
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}

/** A decoder's parts are needed for every token, or close by rules of their own. */
async function openedFor(
  options: CompileOptions,
  open: () => Promise<EngineSession>,
): Promise<EngineSession> {
  const { part = 'vision' } = options
  if (part !== 'vision' || !closesUnused(options)) return open()
  const session = new RestingSession(open)
  await session.wake()
  return session
}

/** A graph as ONNX, and what opens it. */
async function written(
  name: string,
  outputs: Readonly<Record<string, Tensor>>,
  { engine, device, threads, quantised, taps = false }: CompileOptions,
  widensIntegers = false,
): Promise<{ onnx: OnnxProgram; open: () => Promise<EngineSession> }> {
  await ownTurn()
  const weights = await placeWeights(Object.values(outputs), device, quantised)
  await ownTurn()
  const onnx = await writeOnnx(name, outputs, {
    target: { device },
    taps,
    locate: (entry) => weights.places.get(entry),
    values: (entry) => weights.values.get(entry)!,
  })
  // Float weights stay in their file; halves are widened into memory anyway, and integers are slow unpacked.
  const prepack = weights.places.size === 0 || [...weights.places.keys()].some(({ dtype }) => dtype !== 'f32')
  return {
    onnx,
    open: () => engine.open(onnx.bytes, weights.files, { device, threads, prepack, widensIntegers }),
  }
}
