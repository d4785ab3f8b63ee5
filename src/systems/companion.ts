import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { mergeCheckpoints, withPrefix } from '../checkpoint/entries.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { ModelFiles } from './model-files.ts'

/** A part of a model that is published on its own and may be missing from the checkpoint that uses it. */
export interface Companion {
  /** What it is, for messages: `vision tower`. */
  readonly part: string
  /** The field of the configuration that names it. */
  readonly field: string
  /** A hub id or a path. */
  readonly id: string | undefined
  /** How its keys begin in its own checkpoint. */
  readonly from: string
  /** How they begin in the one that uses it. */
  readonly to: string
}

/** A checkpoint with everything that it needs, and where what it lacked came from. */
export interface CompleteCheckpoint {
  readonly checkpoint: Checkpoint
  /** By part; a part that the checkpoint holds itself has none. */
  readonly sources: ReadonlyMap<string, FileSource>
}

/**
 * The checkpoint with the companions that it does not hold itself. A part that it holds goes before the published one:
 * it was trained further.
 * @throws CheckpointError `companion-missing`, which says from where it would come; `companion-other` when what was found has
 * other weights
 */
export async function withCompanions(
  files: ModelFiles,
  companions: readonly Companion[],
): Promise<CompleteCheckpoint> {
  const found: Checkpoint[] = [files.checkpoint]
  const sources = new Map<string, FileSource>()
  const lacking = companions.filter(({ to }) => !holds(files.checkpoint, to))
  const published = await Promise.all(lacking.map(({ id }) => id && files.findModel?.(id)))
  const missing = lacking.filter((_, i) => !published[i])
  if (missing.length > 0) throw companionMissing(files, missing)
  for (const [i, companion] of lacking.entries()) {
    const source = published[i] as FileSource
    const weights = withPrefix(await openCheckpoint(source), companion.from, companion.to)
    if (weights.keys().length === 0)
      throw new CheckpointError(
        'companion-other',
        `${source.name}, which ${files.source.name} names as its ${companion.part}, has no weights that begin with ` +
          `'${companion.from}'. It is another kind of model: check ${companion.field} in config.json.`,
        { part: companion.part, source: source.name, prefix: companion.from },
      )
    sources.set(companion.part, source)
    found.push(weights)
  }
  const [only] = found
  const checkpoint = found.length === 1 ? only! : mergeCheckpoints(files.checkpoint.name, found)
  return { checkpoint, sources }
}

/** Whether a checkpoint holds a part: any key below its prefix. */
export function holds(checkpoint: Checkpoint, prefix: string): boolean {
  return checkpoint.keys().some((key) => key.startsWith(prefix))
}

/** Where a companion is published. @throws CheckpointError `companion-missing` */
export async function findCompanion(files: ModelFiles, companion: Companion): Promise<FileSource> {
  const source = companion.id === undefined ? undefined : await files.findModel?.(companion.id)
  if (source) return source
  throw companionMissing(files, [companion])
}

/** One error for all that is missing: nobody wants to be told of it part by part. */
function companionMissing({ source }: ModelFiles, missing: readonly Companion[]): CheckpointError {
  const lines = missing.map(({ part, field, id }) =>
    id === undefined
      ? `its ${part}, which config.json does not name in ${field}: name a folder or a hub id there`
      : `its ${part}, published apart as ${id}: panoptes pull ${id}`,
  )
  const ids = missing.flatMap(({ id }) => id ?? [])
  return new CheckpointError(
    'companion-missing',
    `${source.name} does not hold everything that it needs, and this is neither beside it nor in the hub cache:\n` +
      lines.map((line) => `  ${line}`).join('\n'),
    { parts: missing.map(({ part }) => part), ids, commands: ids.map((id) => `panoptes pull ${id}`) },
  )
}
