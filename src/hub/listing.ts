import { HubApiError, listFiles, modelInfo } from '@huggingface/hub'
import { CheckpointError } from '../tensor/errors.ts'
import { type Connection, get, withRetries } from './connection.ts'
import { checkFileName } from './names.ts'

/**
 * A file of a repository: its path there, its bytes, and the checksum that also names its blob in the cache.
 */
export interface HubFile {
  readonly path: string
  readonly sizeBytes: number
  /** SHA-256 of the content for a file in large-file storage, else git's blob SHA-1. In hexadecimal. */
  readonly digest: string
  /** Git's object id, which for a file in large-file storage is that of its pointer. */
  readonly gitOid: string
}

/** A repository at one commit. */
export interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

const filesAtMost = 100_000
const answerBytesAtMost = 64 * 2 ** 20

/**
 * The commit behind a revision and every file at that commit.
 *
 * The listing is @huggingface/hub's (`modelInfo`, `listFiles`: the paths, the paging). The transfer is not:
 * its `downloadFileToCacheDir` writes a blob anew each time (no resume), checks no checksum, takes one file
 * after another without progress or an AbortSignal, has no retries, gives two processes the same file to
 * write, prints to the console, and refuses tokens of mirrors (those without `hf_`). Its fetch parameter is
 * where our retries, token and refusals come in.
 * @throws CheckpointError `hub-file-name`, `hub-listing`, and those of `get` and `withRetries`
 */
export async function listRepository(connection: Connection, id: string, revision: string): Promise<Listing> {
  const hub = { hubUrl: connection.endpoint, fetch: patientFetch(connection, `The listing of ${id}`) }
  try {
    const { sha: commit } = await modelInfo({ ...hub, name: id, revision, additionalFields: ['sha'] })
    if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
      throw badListing(connection, id, `the commit of "${revision}" is ${JSON.stringify(commit)}`)
    }
    const files: HubFile[] = []
    for await (const entry of listFiles({ ...hub, repo: id, revision: commit, recursive: true })) {
      if (entry.type === 'file') files.push(checkedFile(connection, id, entry))
      if (files.length > filesAtMost) throw badListing(connection, id, `more than ${filesAtMost} files`)
    }
    return { commit, files }
  } catch (error) {
    // The client meets an answer of another shape (a portal's page, a proxy's) with these two.
    const isBadAnswer = error instanceof SyntaxError || error instanceof TypeError
    if (!(error instanceof HubApiError) && !isBadAnswer) throw error
    throw badListing(connection, id, error.message, error)
  }
}

function checkedFile(
  connection: Connection,
  id: string,
  entry: { path: string; size: number; oid?: string; lfs?: { oid: string; size: number } },
): HubFile {
  checkFileName(id, entry.path)
  const sizeBytes = entry.lfs?.size ?? entry.size
  const gitOid = entry.oid ?? ''
  const digest = entry.lfs?.oid ?? gitOid
  // The digest becomes a file name in the cache, so its form is checked like one.
  const isDigest = entry.lfs ? /^[0-9a-f]{64}$/.test(digest) : /^[0-9a-f]{40}$/.test(digest)
  if (!isDigest || !/^([0-9a-f]{40})?$/.test(gitOid)) {
    throw badListing(connection, id, `${entry.path} has the checksum ${JSON.stringify(digest)}`)
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw badListing(connection, id, `${entry.path} has the size ${JSON.stringify(sizeBytes)}`)
  }
  return { path: entry.path, sizeBytes, digest, gitOid }
}

/** A `fetch` for the client: `get` with retries, the whole answer read inside them. */
function patientFetch(connection: Connection, what: string): typeof fetch {
  return (input) =>
    withRetries(connection, what, async () => {
      const stall = AbortSignal.timeout(connection.stallTimeoutMs)
      const signal = connection.signal ? AbortSignal.any([connection.signal, stall]) : stall
      const url = input instanceof Request ? input.url : String(input)
      const { first, last } = await get(connection, url, { accept: 'application/json' }, signal)
      const chunks: Uint8Array[] = []
      let sizeBytes = 0
      for await (const chunk of last.body ?? []) {
        sizeBytes += chunk.byteLength
        if (sizeBytes > answerBytesAtMost) {
          throw new CheckpointError('hub-listing', `${what} is longer than 64 MiB. Check HF_ENDPOINT.`, {
            url,
          })
        }
        chunks.push(chunk)
      }
      const link = first.headers.get('link') ?? last.headers.get('link')
      return new Response(Buffer.concat(chunks), { status: last.status, headers: link ? { link } : {} })
    })
}

function badListing(connection: Connection, id: string, found: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'hub-listing',
    `${connection.endpoint} gave a listing of ${id} that cannot be used: ${found}. ` +
      'Check that HF_ENDPOINT is a Hugging Face hub or a full mirror of it.',
    { id, endpoint: connection.endpoint, found },
    cause,
  )
}
