import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface StaticServer {
  /** The address of its root, with a slash behind. */
  readonly url: string
  /** Every request so far, as `path range`. */
  readonly requests: string[]
}

export interface StaticServerOptions {
  /** Answers Range requests with parts; true by default. */
  readonly servesRanges?: boolean
  /** What every answer carries. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent with status 200 for every unknown path, as single-page applications do. */
  readonly fallback?: string
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

/** Serves files, by their path, on a free port of this machine; ends with the test. */
export async function staticServer(
  t: Pick<TestContext, 'after'>,
  files: ReadonlyMap<string, Uint8Array>,
  { servesRanges = true, headers = {}, fallback }: StaticServerOptions = {},
): Promise<StaticServer> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.slice(1).split('?')[0]!)
    const { range } = request.headers
    requests.push(range ? `${path} ${range}` : path)
    const bytes = files.get(path)
    if (!bytes) {
      response.writeHead(fallback === undefined ? 404 : 200, { ...headers, 'content-type': 'text/html' })
      response.end(fallback)
      return
    }
    const type = types[path === '' ? 'html' : path.split('.').at(-1)!] ?? 'application/octet-stream'
    const [, first, last] = (servesRanges && /^bytes=(\d+)-(\d+)$/.exec(range ?? '')) || []
    const start = Number(first)
    const end = Math.min(Number(last) + 1, bytes.length)
    if (first === undefined) {
      response.writeHead(200, { ...headers, 'content-type': type, 'content-length': bytes.length })
      response.end(bytes)
    } else if (start >= bytes.length) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` })
      response.end()
    } else {
      const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`
      response.writeHead(206, { ...headers, 'content-type': type, 'content-range': contentRange })
      response.end(bytes.subarray(start, end))
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}
