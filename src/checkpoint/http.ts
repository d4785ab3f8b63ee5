import { AbortError, CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'
import { checkedPath, fileMissing, fileTruncated } from './paths.ts'

export interface HttpSourceOptions {
  /** Every file's relative path, where they are known; otherwise the names that checkpoints use are tried. */
  readonly files?: readonly string[] | undefined
  /** What every request carries: headers, credentials, a signal. */
  readonly request?: Omit<RequestInit, 'method' | 'body'> | undefined
}

/** What published checkpoints are made of, shards aside (an index names those). */
const usualFiles = [
  ...['config.json', 'generation_config.json', 'preprocessor_config.json', 'chat_template.jinja'],
  ...['tokenizer_config.json', 'tokenizer.json', 'tokenizer.model', 'vocab.json', 'merges.txt'],
  ...['added_tokens.json', 'special_tokens_map.json', 'model.safetensors.index.json', 'model.safetensors'],
  ...['weights.safetensors', 'pytorch_model.bin.index.json', 'pytorch_model.bin'],
]

/** The first request for a file asks for so much of it: most files whole, and the header of many weight files. */
const openingBytes = 2 ** 16

/** What the first request told. */
interface OpenedFile {
  readonly sizeBytes: number
  readonly beginning: Uint8Array
  /** Absent from servers that send parts on demand; the others' large files are kept whole once they are read. */
  whole?: Promise<Uint8Array>
  readonly servesRanges: boolean
}

/**
 * The files of a folder on an HTTP server, in a browser or in Node. Large files are read in parts by Range requests;
 * a server that knows none is asked for whole files, which are then held in memory.
 * A hub's folder is `https://huggingface.co/ORGANISATION/MODEL/resolve/main`.
 * @throws CheckpointError `source-url` for an address that is none
 */
export function httpSource(url: string | URL, options: HttpSourceOptions = {}): FileSource {
  const base = folderUrl(url)
  const name = base.href
  const listed = options.files && new Set(options.files.map((path) => checkedPath(name, path)))
  const opened = new Map<string, Promise<OpenedFile | undefined>>()

  const fetchFile = (path: string, range?: string): Promise<Response> =>
    request(new URL(path.split('/').map(encodeURIComponent).join('/'), base), range, options.request)

  function open(path: string): Promise<OpenedFile | undefined> {
    checkedPath(name, path)
    if (listed && !listed.has(path)) return Promise.resolve(undefined)
    const known = opened.get(path)
    if (known) return known
    const opening = fetchFile(path, `bytes=0-${openingBytes - 1}`).then((response) => openedFile(response))
    opened.set(path, opening)
    opening.catch(() => opened.delete(path)) // the next call tries again
    return opening
  }

  async function require(path: string): Promise<OpenedFile> {
    return (await open(path)) ?? Promise.reject(fileMissing(name, path, await list()))
  }

  async function list(): Promise<string[]> {
    if (listed) return [...listed]
    const found = await Promise.all(usualFiles.map(open))
    return usualFiles.filter((_, i) => found[i])
  }

  function wholeFile(path: string, file: OpenedFile): Promise<Uint8Array> {
    file.whole ??= fetchFile(path).then(bodyOf)
    file.whole.catch(() => delete file.whole)
    return file.whole
  }

  async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await require(path)
    const end = offset + length
    if (end > file.sizeBytes) throw fileTruncated(name, path, offset, length, file.sizeBytes)
    if (end <= file.beginning.length) return file.beginning.slice(offset, end)
    const bytes = file.servesRanges
      ? await bodyOf(await fetchFile(path, `bytes=${offset}-${end - 1}`))
      : (await wholeFile(path, file)).subarray(offset, end)
    if (bytes.length === length) return bytes
    throw new CheckpointError(
      'file-changed',
      `${name} sent ${bytes.length} bytes of ${path} where ${length} from ${offset} on were asked for. ` +
        'The file was replaced meanwhile, or the connection was cut: load the model again.',
      { source: name, path, offset, length, found: bytes.length },
    )
  }

  return {
    name,
    isRemote: true,
    list,
    has: async (path) => (await open(path)) !== undefined,
    size: async (path) => (await require(path)).sizeBytes,
    read: async (path) => readRange(path, 0, (await require(path)).sizeBytes),
    readRange,
    localPath: async (path) => {
      await require(path)
      return undefined
    },
  }
}

function folderUrl(url: string | URL): URL {
  const page = globalThis.location?.href
  const base = URL.canParse(String(url), page) ? new URL(url, page) : undefined
  if (!base || !/^https?:$/.test(base.protocol))
    throw new CheckpointError(
      'source-url',
      `'${url}' is not the address of a folder on an HTTP server. Pass one such as https://host/models/name.`,
      { url: String(url) },
    )
  base.search = ''
  base.hash = ''
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

async function request(url: URL, range: string | undefined, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (range !== undefined) headers.set('range', range)
  try {
    return await fetch(url, { ...init, headers })
  } catch (error) {
    if (init.signal?.aborted)
      throw new AbortError('aborted', `Reading ${url.href} was stopped.`, { url: url.href }, error)
    const { message, cause } = error as Error
    throw new CheckpointError(
      'source-unreachable',
      `${url.href} cannot be read (${cause instanceof Error ? cause.message : message}). Check the address, ` +
        'the connection, and that the server lets other sites read it (CORS).',
      { url: url.href },
      error,
    )
  }
}

/** The file behind the answer to its first request; undefined where there is none. */
async function openedFile(response: Response): Promise<OpenedFile | undefined> {
  const { status, headers } = response
  // Servers of single-page applications answer every unknown path with their page.
  const isPage = headers.get('content-type')?.startsWith('text/html')
  if (status === 404 || status === 410 || (response.ok && isPage)) {
    await response.body?.cancel()
    return undefined
  }
  if (status === 416) {
    await response.body?.cancel()
    return { sizeBytes: 0, beginning: new Uint8Array(0), servesRanges: true }
  }
  const declared = Number(
    headers
      .get(status === 206 ? 'content-range' : 'content-length')
      ?.split('/')
      .at(-1),
  )
  // A compressed answer's length is not the file's.
  if (status === 200 && declared > openingBytes && !headers.has('content-encoding')) {
    await response.body?.cancel()
    return { sizeBytes: declared, beginning: new Uint8Array(0), servesRanges: false }
  }
  const beginning = await bodyOf(response)
  if (status === 206 && !(declared >= beginning.length))
    throw new CheckpointError(
      'source-answer',
      `${response.url} was sent in part without its size (Content-Range). Let the server send or expose that header.`,
      { url: response.url },
    )
  return { sizeBytes: status === 206 ? declared : beginning.length, beginning, servesRanges: status === 206 }
}

/** @throws CheckpointError `source-refused` for an answer that carries no file */
async function bodyOf(response: Response): Promise<Uint8Array> {
  if (response.ok) return new Uint8Array(await response.arrayBuffer())
  await response.body?.cancel()
  throw new CheckpointError(
    'source-refused',
    `${response.url} was refused with status ${response.status}. Check the address and whether it needs a login.`,
    { url: response.url, status: response.status },
  )
}
