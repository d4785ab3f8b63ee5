import { CheckpointError } from '../tensor/errors.ts'
import type { Checkpoint, WeightEntry } from './checkpoint.ts'
import { checkpointOfEntries } from './entries.ts'
import type { FileSource } from './files.ts'
import { readSafetensors } from './safetensors.ts'
import { readShards } from './shards.ts'

/** Files with a PyTorch suffix that trainers leave beside the weights and that hold none. */
const trainerLeftovers =
  /^(training_args|optimizer|scheduler|scaler|rng_state.*|random_states.*)\.(bin|pth|pt)$/

/**
 * The weights of a model's folder: the sharded safetensors index, else `model.safetensors` or
 * `weights.safetensors` alone, else every other safetensors file at its root, else the same in PyTorch's formats. Adapters (`adapter_*`) are left out.
 * @throws CheckpointError `weights-missing` or `weights-ambiguous`, and what the file formats' readers throw.
 */
export async function openCheckpoint(source: FileSource): Promise<Checkpoint> {
  return checkpointOfEntries(source.name, await findEntries(source))
}

/** The weights of one file, whose format its name and first bytes tell. */
export async function openFile(source: FileSource, path: string): Promise<Checkpoint> {
  return checkpointOfEntries(`${source.name}/${path}`, await readWeights(source, path))
}

async function findEntries(source: FileSource): Promise<WeightEntry[]> {
  if (await source.has('model.safetensors.index.json'))
    return readShards(source, 'model.safetensors.index.json', readSafetensors)
  for (const file of ['model.safetensors', 'weights.safetensors'])
    if (await source.has(file)) return readSafetensors(source, file)
  const root = (await source.list()).filter((path) => !path.includes('/'))
  const files = root.filter((path) => path.endsWith('.safetensors') && !/^(io\.|adapter_)/.test(path))
  if (files.length > 0) return readAll(source, files)
  if (await source.has('pytorch_model.bin.index.json'))
    return readShards(source, 'pytorch_model.bin.index.json', readWeights)
  if (await source.has('pytorch_model.bin')) return readWeights(source, 'pytorch_model.bin')
  const torch = root.filter((path) => /\.(pth|pt|bin)$/.test(path) && !/^adapter_/.test(path))
  const candidates = torch.filter((path) => !trainerLeftovers.test(path))
  if (candidates.length === 1) return readWeights(source, candidates[0]!)
  if (candidates.length > 1)
    throw new CheckpointError(
      'weights-ambiguous',
      `${source.name} has ${candidates.length} weight files and no index: ${candidates.join(', ')}. ` +
        `Name the one to open.`,
      { source: source.name, candidates },
    )
  const shown =
    root.length > 0 ? `only ${root.slice(0, 8).join(', ')}${root.length > 8 ? ', …' : ''}` : 'no files'
  throw new CheckpointError(
    'weights-missing',
    `${source.name} has no weights at its root (${shown}). Expected are model.safetensors, ` +
      `model.safetensors.index.json, *.safetensors or pytorch_model.bin: check the path, or pull the model.`,
    { source: source.name, present: root.slice(0, 100) },
  )
}

/** Every file's weights together; numbered shards without an index must be complete. */
async function readAll(source: FileSource, files: readonly string[]): Promise<WeightEntry[]> {
  const present = new Set(files)
  for (const file of files) {
    const [, stem, , total] = /^(.*-)(\d{5})-of-(\d{5})\.safetensors$/.exec(file) ?? []
    if (!stem || !total) continue
    for (let number = 1; number <= Number(total); number++) {
      const shard = `${stem}${String(number).padStart(5, '0')}-of-${total}.safetensors`
      if (present.has(shard)) continue
      throw new CheckpointError(
        'shard-missing',
        `${source.name} lacks the shard ${shard} of ${Number(total)}. Pull the model again; finished files ` +
          `are not fetched twice.`,
        { source: source.name, missing: [{ shard }], shards: Number(total) },
      )
    }
  }
  const entries: WeightEntry[] = []
  for (const file of files) entries.push(...(await readSafetensors(source, file)))
  return entries
}

async function readWeights(source: FileSource, path: string): Promise<WeightEntry[]> {
  if (path.endsWith('.safetensors')) return readSafetensors(source, path)
  const { readTorch } = await import('./torch.ts')
  return readTorch(source, path)
}
