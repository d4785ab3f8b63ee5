import { createHash } from 'node:crypto'
import { appendFile, open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { tensorEntry } from '../checkpoint/entries.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { openFile } from '../checkpoint/open.ts'
import { entryToWrite, safetensorsChunks, type TensorToWrite } from '../checkpoint/write-safetensors.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import { CheckpointError, InputError } from '../tensor/errors.ts'
import { toFloat32 } from '../tensor/half.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Recipe } from './recipe.ts'
import type { TrainingState } from './step.ts'

/** Where a run stands: in which stage, after how many of its steps. */
export interface Progress {
  readonly stage: number
  readonly step: number
}

interface Saved extends Progress {
  readonly recipe: string
  /** The file with the optimiser's state and the weights; none at the beginning of a stage. */
  readonly state: string | null
  /** Length of the log at that moment: what a crash wrote behind it is cut off. */
  readonly logBytes: number
}

const pointer = 'progress.json'

/**
 * A run's folder. Every file is written beside its place and moved there when it is whole; `progress.json` is moved
 * last and names the rest, so that a run killed at any moment finds its last saved step.
 */
export class RunFolder {
  readonly path: string
  readonly #recipe: string
  #saved: Saved | undefined

  private constructor(path: string, recipe: string, saved: Saved | undefined) {
    this.path = path
    this.#recipe = recipe
    this.#saved = saved
  }

  /** @throws InputError `run-other-recipe` when the folder holds a run of another recipe */
  static async open(recipe: Recipe): Promise<RunFolder> {
    await makeFolder(recipe.output)
    const { output: _, ...what } = recipe
    const hash = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16)
    const text = await readFile(join(recipe.output, pointer), 'utf8').catch(() => undefined)
    const saved = text === undefined ? undefined : (JSON.parse(text) as Saved)
    if (saved && saved.recipe !== hash)
      throw new InputError(
        'run-other-recipe',
        `${recipe.output} holds a run of another recipe, at step ${saved.step} of stage ${saved.stage + 1}. ` +
          'Name another output, or remove the folder.',
        { output: recipe.output },
      )
    const folder = new RunFolder(recipe.output, hash, saved)
    await folder.#tidy()
    return folder
  }

  /** Where the run goes on. */
  get progress(): Progress {
    return { stage: this.#saved?.stage ?? 0, step: this.#saved?.step ?? 0 }
  }

  get logPath(): string {
    return join(this.path, 'log.jsonl')
  }

  /** The state saved in the middle of a stage, if the run goes on there. */
  async state(): Promise<TrainingState | undefined> {
    return this.#saved?.state ? this.#read(this.#saved.state) : undefined
  }

  /** What the stages before `stage` trained, the latest value of each weight. */
  async trainedBefore(stage: number): Promise<Map<string, HostTensor<'f32'>>> {
    const trained = new Map<string, HostTensor<'f32'>>()
    for (let i = 0; i < stage; i++)
      for (const [key, value] of await this.#read(stageFile(i))) trained.set(key, value)
    return trained
  }

  /** Saves a step in the middle of a stage. */
  async save(progress: Progress, state: TrainingState): Promise<void> {
    const file = `state-${progress.stage}-${progress.step}.safetensors`
    await this.#write(file, state)
    await this.#point({ ...progress, state: file })
  }

  /** Saves what a stage trained; the run then goes on with the next one. */
  async finishStage(stage: number, trained: TrainingState): Promise<void> {
    await this.#write(stageFile(stage), trained)
    await this.#point({ stage: stage + 1, step: 0, state: null })
  }

  /** Appends a line to the log. */
  async log(entry: Readonly<Record<string, unknown>>): Promise<void> {
    await appendFile(this.logPath, `${JSON.stringify(entry)}\n`)
  }

  async #read(file: string): Promise<Map<string, HostTensor<'f32'>>> {
    const checkpoint = await openFile(await folderSource(this.path), file)
    const entries = checkpoint.keys().map(async (key) => {
      return [key, toFloat32(await checkpoint.entry(key).read())] as const
    })
    return new Map(await Promise.all(entries))
  }

  async #write(file: string, tensors: TrainingState): Promise<void> {
    await writeTensors(
      join(this.path, file),
      [...tensors].map(([key, tensor]) => entryToWrite(tensorEntry(key, tensor))),
    )
  }

  async #point(progress: Progress & { readonly state: string | null }): Promise<void> {
    const log = await open(this.logPath, 'a')
    const { size } = await log.stat().finally(() => log.close())
    const saved = { recipe: this.#recipe, ...progress, logBytes: size }
    await writeOrSayFull(join(this.path, pointer), [Buffer.from(`${JSON.stringify(saved, null, 2)}\n`)])
    this.#saved = saved
    await this.#tidy()
  }

  /** Removes what no longer counts: older states, half files, log lines behind the saved step. */
  async #tidy(): Promise<void> {
    for (const file of await readdir(this.path))
      if (file.endsWith('.partial') || (file.startsWith('state-') && file !== this.#saved?.state))
        await rm(join(this.path, file))
    await truncate(this.logPath, this.#saved?.logBytes ?? 0).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

function stageFile(stage: number): string {
  return `stage-${stage}.safetensors`
}

/** Writes a safetensors file that is whole or not there. */
export async function writeTensors(path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  await writeOrSayFull(path, safetensorsChunks(tensors))
}

async function writeOrSayFull(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  await writeWhole(path, chunks).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOSPC') throw error
    throw new CheckpointError('disk-full', `There is no room left for ${path}. The last saved step stays.`, {
      path,
    })
  })
}
