import { readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { findNonFinite } from '../checkpoint/scan.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { openSystem } from '../systems/registry.ts'
import type { RunOptions } from '../systems/system.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import { Model } from './model.ts'
import type { DecodePicture } from './pictures.ts'

/** How a model is loaded. An abort takes effect between its parts. */
export interface LoadOptions extends RunOptions {
  /** Where it runs. */
  readonly device?: CompileOptions['device'] | undefined
  /** Threads of one operator; all cores by default. */
  readonly threads?: number | undefined
  /** The system to open the checkpoint as, where its config.json names another (`mini-monkey`). */
  readonly as?: string | undefined
  /** Visual tokens kept in memory for the next question about the same picture; 256 MiB by default, 0 keeps none. */
  readonly visualCacheBytes?: number | undefined
  /** Where visual tokens are kept beyond this process; nowhere by default. */
  readonly visualStore?: TensorStore | undefined
}

const optionNames = ['device', 'threads', 'as', 'visualCacheBytes', 'visualStore', 'signal', 'onEvent']

/** What a platform brings: an engine, and a decoder of pictures. */
export interface Platform<Encoded> {
  readonly engine: CompileOptions['engine']
  readonly device: CompileOptions['device']
  readonly decode: DecodePicture<Encoded>
  /** Finds a model that the loaded one's configuration names (a vision tower published on its own). */
  readonly findModel?: ((id: string) => Promise<FileSource | undefined>) | undefined
}

/**
 * Opens the model whose files `source` holds. Weights that are NaN or infinite are told by a notice, except of a remote
 * source, which would be read twice.
 * @throws InputError `unknown-option`, `option-value`; CheckpointError; EngineError; AbortError `aborted`
 */
export async function loadModel<Encoded>(
  source: FileSource,
  options: LoadOptions,
  platform: Platform<Encoded>,
): Promise<Model<Encoded>> {
  checkOptions(options)
  const { device = platform.device, threads, as, signal, onEvent } = options
  onEvent?.({ phase: 'loading', done: 0, total: 0, message: 'files' })
  const config = await readJsonFile(source, 'config.json')
  const checkpoint = await openCheckpoint(source)
  const broken = source.isRemote ? [] : await findNonFinite(checkpoint, signal && { signal })
  if (broken.length > 0) {
    const [first] = broken
    const others = broken.length > 1 ? ` and ${broken.length - 1} other weights` : ''
    onEvent?.({
      phase: 'notice',
      message: `${first!.key}${others} of ${source.name} hold NaN or infinite values; answers may be rubbish.`,
    })
  }
  const compile = { engine: platform.engine, device, threads }
  const visualCache = { maxBytes: options.visualCacheBytes, store: options.visualStore }
  const files = { source, checkpoint, config, findModel: platform.findModel }
  const system = await openSystem(files, { compile, onEvent, visualCache }, as)
  if (signal?.aborted) {
    await system.dispose()
    throw new AbortError('aborted', 'Loading was stopped.', {}, signal.reason)
  }
  return new Model(system, source.name, platform.decode)
}

function checkOptions(options: LoadOptions): void {
  for (const option of Object.keys(options))
    if (!optionNames.includes(option))
      throw new InputError(
        'unknown-option',
        `There is no load option '${option}'. Known are ${optionNames.join(', ')}.`,
        { option, known: optionNames },
      )
  const { threads } = options
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads >= 1))
    throw new InputError(
      'option-value',
      `The option threads is ${threads}; it must be a whole number of at least 1.`,
    )
}
