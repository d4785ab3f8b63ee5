import type { Adapter } from '../adapters/adapter.ts'
import { mergeAdapter } from '../adapters/merge.ts'
import { openAdapter } from '../adapters/peft-folder.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { checkpointOfEntries } from '../checkpoint/entries.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { findNonFinite } from '../checkpoint/scan.ts'
import { type Precision, type Precisions, precisionsOf } from '../runtime/precision.ts'
import type { CompileOptions } from '../runtime/program.ts'
import { memoryStore, type QuantisedStore } from '../runtime/quantised-weights.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { readModel } from '../systems/read-model.ts'
import { openSystem } from '../systems/registry.ts'
import type { RunOptions } from '../systems/system.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import { Model } from './model.ts'
import type { ObjectFinder } from './objects.ts'
import type { DecodePicture } from './pictures.ts'

/** How a model is loaded. An abort takes effect between its parts. */
export interface LoadOptions extends RunOptions {
  /** Where it runs. */
  readonly device?: CompileOptions['device'] | undefined
  /** Threads of one operator; all cores by default. */
  readonly threads?: number | undefined
  /**
   * How products of weights are computed, for all parts or for each: `fp32` (the default) as the official
   * implementations do; `int8`, several times faster; `int4`, decoded faster and in half the memory.
   */
  readonly precision?: Precision | Partial<Precisions> | undefined
  /**
   * In int4: keeps the vision tower and the weights for reading prompts in memory beside those for answering, which saves
   * the change between them (seconds for a 2 B model) at every question.
   */
  readonly keepsBothForms?: boolean | undefined
  /**
   * How the tokens of an answer are cached: `int8` reads a quarter of the bytes of `fp32` (the default), which is faster
   * behind long prompts and rounds a little. It needs Node's native engine on the CPU.
   */
  readonly kvCache?: CompileOptions['kvCache']
  /** The system to open the checkpoint as, where its config.json names another (`mini-monkey`). */
  readonly as?: string | undefined
  /** A LoRA adapter as peft saves it, which is merged into the model's weights. */
  readonly adapter?: FileSource | undefined
  /** Visual tokens kept in memory for the next question about the same picture; 256 MiB by default, 0 keeps none. */
  readonly visualCacheBytes?: number | undefined
  /** Finds objects for systems that are told of them (MG-LLaVA); the platform's by default. */
  readonly objectFinder?: ObjectFinder | undefined
  /** Where visual tokens are kept beyond this process; nowhere by default. */
  readonly visualStore?: TensorStore | undefined
}

const optionNames = [
  ...['device', 'threads', 'precision', 'keepsBothForms', 'kvCache', 'as', 'adapter'],
  ...['visualCacheBytes', 'visualStore', 'objectFinder', 'signal', 'onEvent'],
]

/** What a platform brings: an engine, and a decoder of pictures. */
export interface Platform<Encoded> {
  readonly engine: CompileOptions['engine']
  readonly device: CompileOptions['device']
  readonly decode: DecodePicture<Encoded>
  /** Finds a model that the loaded one's configuration names (a vision tower published on its own). */
  readonly findModel?: ((id: string) => Promise<FileSource | undefined>) | undefined
  /** Where quantised weights are kept; in memory by default. */
  readonly quantised?: QuantisedStore | undefined
}

/**
 * Opens the model whose files `source` holds. Weights that are NaN or infinite are told by a notice, except of a remote
 * source, which would be read twice.
 * @throws InputError `unknown-option`, `option-value`; CheckpointError, for an adapter as `openAdapter` and
 * `mergeAdapter` do; EngineError; AbortError `aborted`
 */
export async function loadModel<Encoded>(
  source: FileSource,
  options: LoadOptions,
  platform: Platform<Encoded>,
): Promise<Model<Encoded>> {
  checkOptions(options)
  const { device = platform.device, threads, as, signal, onEvent } = options
  onEvent?.({ phase: 'loading', done: 0, total: 0, message: 'files' })
  const { config, checkpoint: base } = await readModel(source)
  const adapter = options.adapter && (await openAdapter(options.adapter))
  const precision = precisionsOf(options.precision ?? 'fp32')
  checkForms(precision, options)
  const { store, served } = observed(platform.quantised ?? memoryStore())
  const compile: CompileOptions = {
    ...{ engine: platform.engine, device, threads, precision, quantised: store },
    ...{ keepsBothForms: options.keepsBothForms, kvCache: options.kvCache },
  }
  const checkpoint = adapter ? mergeAdapter(base, adapter, compile) : base
  const visualCache = { maxBytes: options.visualCacheBytes, store: options.visualStore }
  const files = { source, checkpoint, config, findModel: platform.findModel }
  const system = await openSystem(files, { compile, onEvent, visualCache }, as)
  try {
    // What was quantised was looked through when it was made: a load from the cache reads none of it.
    const keys = base.keys().filter((key) => !served.has(key))
    if (!source.isRemote) await noticeNonFinite(base, keys, options)
    if (adapter && !options.adapter?.isRemote) {
      const added = adapterTensors(adapter)
      await noticeNonFinite(added, added.keys(), options)
    }
  } catch (error) {
    await system.dispose()
    throw error
  }
  if (signal?.aborted) {
    await system.dispose()
    throw new AbortError('aborted', 'Loading was stopped.', {}, signal.reason)
  }
  return new Model(system, source.name, platform.decode, options.objectFinder)
}

/** What an adapter's files hold, as a checkpoint. */
function adapterTensors({ name, pairs, weights }: Adapter): Checkpoint {
  const halves = [...pairs.values()].flatMap(({ a, b }) => [a, b])
  return checkpointOfEntries(name, [...halves, ...weights.values()])
}

/** Tells of weights that are NaN or infinite. */
async function noticeNonFinite(
  checkpoint: Checkpoint,
  keys: readonly string[],
  { signal, onEvent }: LoadOptions,
): Promise<void> {
  const broken = await findNonFinite(checkpoint, { keys, ...(signal && { signal }) })
  const [first] = broken
  if (!first) return
  const others = broken.length > 1 ? ` and ${broken.length - 1} other weights` : ''
  onEvent?.({
    phase: 'notice',
    message: `${first.key}${others} of ${checkpoint.name} hold NaN or infinite values; answers may be rubbish.`,
  })
}

/** A store, and the keys of the weights that it gave. */
function observed(inner: QuantisedStore): { store: QuantisedStore; served: ReadonlySet<string> } {
  const served = new Set<string>()
  return {
    served,
    store: {
      ...inner,
      get(entry, form) {
        served.add(entry.key)
        return inner.get(entry, form)
      },
    },
  }
}

function checkForms({ decoder }: Precisions, { keepsBothForms }: LoadOptions): void {
  if (keepsBothForms && decoder !== 'int4')
    throw new InputError(
      'option-without-effect',
      `keepsBothForms is for int4, which has a second form of the weights; the decoder is ${decoder}. Leave it out.`,
      { option: 'keepsBothForms', decoder },
    )
}

function checkOptions(options: LoadOptions): void {
  for (const option of Object.keys(options))
    if (!optionNames.includes(option))
      throw new InputError(
        'unknown-option',
        `There is no load option '${option}'. Known are ${optionNames.join(', ')}.`,
        { option, known: optionNames },
      )
  const { threads, kvCache } = options
  if (kvCache !== undefined && kvCache !== 'fp32' && kvCache !== 'int8')
    throw new InputError('option-value', `The option kvCache is '${kvCache}'; it must be fp32 or int8.`)
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads >= 1))
    throw new InputError(
      'option-value',
      `The option threads is ${threads}; it must be a whole number of at least 1.`,
    )
}
