import type { ZodType } from 'zod'
import { CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'

/**
 * A configuration checked against its schema: known fields must have known values, other fields are ignored.
 * @throws CheckpointError `config-invalid`, which names every field that is missing or has an unknown value.
 */
export function parseConfig<T>(schema: ZodType<T>, config: unknown, where: string): T {
  const result = schema.safeParse(config)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`,
  )
  throw new CheckpointError('config-invalid', `${where} does not fit: ${problems.join('; ')}.`, { problems })
}

/** A JSON file of a checkpoint. @throws CheckpointError `file-missing`, `config-broken` */
export async function readJsonFile(source: FileSource, path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await source.read(path))
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it holds no JSON value'
    throw new CheckpointError(
      'config-broken',
      `${source.name}/${path} is not valid JSON (${reason}). Download it again.`,
      { path },
      error,
    )
  }
}
