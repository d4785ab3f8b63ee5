import { CheckpointError, InputError } from '../tensor/errors.ts'

/** A model of the hub: its id and, where one was asked for, a branch, tag or commit. */
export interface ModelName {
  readonly id: string
  readonly revision: string | undefined
}

/**
 * One or two segments of letters, digits, `-`, `_`, `.`, as the hub allows; gpt2 is older than
 * organisations.
 */
const idPattern = /^[A-Za-z0-9_][\w.-]{0,95}(\/[A-Za-z0-9_][\w.-]{0,95})?$/

/**
 * The id and revision in `org/name` or `org/name@revision`.
 * @throws InputError `model-id` when it cannot be a model's id, `model-revision` when it cannot be a
 * revision.
 */
export function parseModelName(text: string): ModelName {
  const at = text.indexOf('@')
  const id = at < 0 ? text : text.slice(0, at)
  if (!idPattern.test(id) || id.includes('--') || id.includes('..')) {
    throw new InputError(
      'model-id',
      `"${text}" is not a model's id. Write it as on the hub: org/name, or org/name@revision.`,
      { id: text },
    )
  }
  return { id, revision: at < 0 ? undefined : checkRevision(text.slice(at + 1)) }
}

/** The revision itself. @throws InputError `model-revision` when git would not allow it as a name. */
export function checkRevision(revision: string): string {
  // It becomes a path under refs/, so what git forbids in a reference (`..`, a leading slash) matters here.
  if (/^[\w][\w.+@/-]{0,255}$/.test(revision) && isSafePath(revision)) return revision
  throw new InputError(
    'model-revision',
    `"${revision}" is not a revision. Give a branch, a tag or a commit, such as main or v1.0.`,
    { revision },
  )
}

/**
 * Refuses a file name that the server sent when joining it to a folder could leave that folder, by the rules
 * of POSIX or of Windows: `..`, absolute, drive and UNC paths, backslashes, control characters.
 * @throws CheckpointError `hub-file-name`
 */
export function checkFileName(id: string, path: unknown): asserts path is string {
  if (typeof path === 'string' && path.length <= 1024 && isSafePath(path)) return
  throw new CheckpointError(
    'hub-file-name',
    `${id} lists a file named ${JSON.stringify(path)}, which could be written outside its folder. ` +
      `Nothing was downloaded; report the repository to its owner or to the hub.`,
    { id, path },
  )
}

function isSafePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\\\u0000-\u001f\u007f]/.test(path)) return false
  return path.split('/').every((segment) => !/^(|\.|\.\.|[a-zA-Z]:.*)$/.test(segment))
}
