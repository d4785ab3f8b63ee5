// A hub for tests, on a free port of this machine: the paths, headers and redirects that the real one has.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileSize } from './cache.ts'
import type { PullOptions } from './pull.ts'

export interface FakeRepository {
  commit: string
  refs: Record<string, string>
  /** Files over 1 KiB are in large-file storage: SHA-256, and a redirect to /cdn. */
  files: Record<string, Buffer>
}

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly range: string | undefined
  readonly authorization: string | undefined
}

/** Answers in the hub's place when it returns true. `body` is what the hub would send. */
type Interception = (request: FakeRequest, response: ServerResponse, body: Buffer) => boolean

export interface FakeHub {
  readonly endpoint: string
  readonly repositories: Map<string, FakeRepository>
  readonly requests: FakeRequest[]
  /** The requests that fetched content, as `path range`. */
  contentRequests(): string[]
  intercept: Interception
}

export const commitA = 'a'.repeat(40)
export const commitB = 'b'.repeat(40)

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

export function gitOid(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
}

/** Bytes that differ from place to place, so that a piece in the wrong place changes the checksum. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: length / 4 }, (_, i) => Math.imul(i, 2654435761)).buffer)
}

/** A hub with one small model, `acme/tiny`, and a cache folder of its own; both end with the test. */
export async function fakeHub(
  t: TestContext,
): Promise<{ hub: FakeHub; cacheDir: string; options: PullOptions }> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'panoptes-hub-'))
  const repositories = new Map([['acme/tiny', tinyModel()]])
  const requests: FakeRequest[] = []
  let endpoint = ''
  const server = createServer((incoming, response) => {
    const request = seen(incoming)
    requests.push(request)
    answer(hub, request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the test server has no port')
  endpoint = `http://127.0.0.1:${address.port}`
  const contentRequests = () =>
    requests
      .filter((r) => r.path.startsWith('/cdn/') || (r.path.includes('/resolve/') && !isLarge(hub, r)))
      .map((r) => `${r.path.split('/').at(-1)}${r.range ? ` ${r.range}` : ''}`)
  const hub: FakeHub = { endpoint, repositories, requests, contentRequests, intercept: () => false }
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(cacheDir, { recursive: true, force: true })
  })
  return { hub, cacheDir, options: { endpoint, cacheDir, env: {}, retryDelayMs: 0, retries: 3 } }
}

function tinyModel(): FakeRepository {
  return {
    commit: commitA,
    refs: { main: commitA, [commitA]: commitA },
    files: {
      'config.json': Buffer.from('{"architectures":["TinyVisionModel"],"model_type":"tiny"}'),
      'tokenizer/vocab.txt': Buffer.from('a\nb\n'),
      'model.safetensors': pattern(256 * 1024),
      'pytorch_model.bin': pattern(2048),
      'modeling_tiny.py': Buffer.from('raise SystemExit'),
      '.gitattributes': Buffer.from('* text'),
    },
  }
}

function seen(incoming: IncomingMessage): FakeRequest {
  const { range, authorization } = incoming.headers
  return { method: incoming.method ?? '', path: decodeURIComponent(incoming.url ?? ''), range, authorization }
}

function answer(hub: FakeHub, request: FakeRequest, response: ServerResponse): void {
  const path = request.path.split('?', 1)[0] ?? ''
  const [, apiId, kind, apiRevision] = /^\/api\/models\/(.+?)\/(revision|tree)\/(.+)$/.exec(path) ?? []
  const [, fileId, revision, name] = /^\/(.+?)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(path) ?? []
  const [, cdnId, cdnName] = /^\/cdn\/([^/]+\/[^/]+)\/(.+)$/.exec(path) ?? []
  const repository = hub.repositories.get(apiId ?? fileId ?? cdnId ?? '')
  const body = repository?.files[name ?? cdnName ?? ''] ?? Buffer.alloc(0)
  const target = apiRevision === undefined ? undefined : repository?.refs[apiRevision]
  if (hub.intercept(request, response, body)) return
  if (!repository) refuse(response, 404, 'RepoNotFound')
  else if (kind && !target) refuse(response, 404, 'RevisionNotFound')
  else if (kind === 'revision') sendJson(response, { _id: '1', id: apiId, sha: target })
  else if (kind === 'tree') sendTree(hub, request, response, repository)
  else if (cdnName) sendRange(request, response, body)
  else if (!repository.files[name ?? '']) refuse(response, 404, 'EntryNotFound')
  else {
    response.setHeader('x-repo-commit', revision ?? '')
    response.setHeader(
      body.length > 1024 ? 'x-linked-etag' : 'etag',
      `"${body.length > 1024 ? sha256(body) : gitOid(body)}"`,
    )
    if (body.length <= 1024) sendRange(request, response, body)
    else response.writeHead(302, { location: `/cdn/${fileId}/${name}?signature=secret` }).end()
  }
}

/** Two entries a page, so that every pull follows the Link header. */
function sendTree(
  hub: FakeHub,
  request: FakeRequest,
  response: ServerResponse,
  repository: FakeRepository,
): void {
  const from = Number(/[?&]cursor=(\d+)/.exec(request.path)?.[1] ?? 0)
  const entries = Object.entries(repository.files).map(([path, content]) => ({
    type: 'file',
    path,
    size: content.length,
    oid: gitOid(content),
    ...(content.length > 1024 && {
      lfs: { oid: sha256(content), size: content.length, pointerSize: 130 },
    }),
  }))
  if (from + 2 < entries.length) {
    const next = `${hub.endpoint}${request.path.replace(/&cursor=\d+/, '')}&cursor=${from + 2}`
    response.setHeader('link', `<${next}>; rel="next"`)
  }
  sendJson(response, entries.slice(from, from + 2))
}

export function sendRange(request: FakeRequest, response: ServerResponse, body: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.range ?? '')?.[1] ?? 0)
  response.setHeader('content-length', body.length - from)
  if (request.range) response.setHeader('content-range', `bytes ${from}-${body.length - 1}/${body.length}`)
  response.writeHead(request.range ? 206 : 200).end(body.subarray(from))
}

/**
 * Sends `length` bytes of what was asked for and breaks the connection once the file at `partial` has them
 * all: what a client has received but not yet written when a connection breaks is lost to it.
 */
export async function sendThenCut(
  request: FakeRequest,
  response: ServerResponse,
  body: Buffer,
  length: number,
  partial: string,
): Promise<void> {
  const from = Number(/\d+/.exec(request.range ?? '')?.[0] ?? 0)
  response.setHeader('content-range', `bytes ${from}-${body.length - 1}/${body.length}`)
  response.writeHead(request.range ? 206 : 200, { 'content-length': body.length - from })
  response.write(body.subarray(from, from + length))
  while (((await fileSize(partial)) ?? 0) < from + length) await new Promise((done) => setImmediate(done))
  response.destroy()
}

/** Where the blob of `acme/tiny` with this content grows. */
export function partialOf(cacheDir: string, content: Buffer): string {
  return join(cacheDir, 'models--acme--tiny', 'blobs', `${sha256(content)}.panoptes.incomplete`)
}

export function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code }).end()
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function isLarge(hub: FakeHub, request: FakeRequest): boolean {
  const [, id, name] = /^\/(.+?)\/resolve\/[0-9a-f]+\/(.+)$/.exec(request.path) ?? []
  return (hub.repositories.get(id ?? '')?.files[name ?? '']?.length ?? 0) > 1024
}
