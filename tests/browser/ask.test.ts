import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { load } from '../../src/node.ts'
import { staticServer } from '../static-server.ts'
import type { Ask } from './page.ts'

const root = resolve(import.meta.dirname, '../..')
const fixture = join(root, 'tests/fixtures/mini-monkey')
const picture = join(root, 'examples/chart-page.png')
const engineFiles = join(root, 'node_modules/onnxruntime-web/dist')
const browser = '/usr/bin/chromium'
const noBrowser = existsSync(browser)
  ? false
  : `no browser at ${browser}; install it with apt-get install chromium`
const noWebGpu = process.env.PANOPTES_TEST_WEBGPU
  ? noBrowser
  : 'slow without a graphics card; set PANOPTES_TEST_WEBGPU=1 to run it'

/**
 * Every device of a page. The graphics adapter is the browser's own software one, which any machine has and which is
 * slow: it sees the picture as one tile.
 */
const devices = {
  wasm: {
    skip: noBrowser,
    file: 'ort-wasm-simd-threaded.wasm',
    flags: ['--disable-gpu'],
    options: { maxNewTokens: 11 },
  },
  webgpu: {
    skip: noWebGpu,
    file: 'ort-wasm-simd-threaded.asyncify.wasm',
    flags: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    options: { maxNewTokens: 2, tiling: { strategy: 'single' } },
  },
} as const

for (const device of ['wasm', 'webgpu'] as const) {
  const { skip, options } = devices[device]
  test(`a page answers as Node does, token by token (${device})`, { skip, timeout: 600_000 }, async (t) => {
    const page = await openPage(t, device)
    if (device === 'webgpu' && !(await page.evaluate(hasAdapter)))
      return t.skip('this browser has no adapter for WebGPU')
    const question = 'What was measured?'
    const inPage = await page.evaluate(
      ([device, question, options]) =>
        (globalThis as unknown as { ask: Ask }).ask(device, 'picture.png', question, options),
      [device, question, options] as const,
    )
    const model = await load(fixture)
    t.after(() => model.dispose())
    const inNode = await model.ask(question, { images: [picture], ...options })
    assert.deepEqual(inPage.tiles, inNode.pictures[0]!.plan.tiles)
    assert.deepEqual(inPage.tokens, inNode.tokens)
    assert.deepEqual(inPage.ids, inNode.answers[0]!.ids)
    assert.equal(inPage.text, inNode.text)
    assert.equal(inPage.streamed, inNode.text)
  })
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } }
  return Boolean(await gpu?.requestAdapter())
}

async function openPage(t: TestContext, device: keyof typeof devices): Promise<Page> {
  const server = await staticServer(t, await servedFiles(devices[device].file))
  const launched = await chromium.launch({
    executablePath: browser,
    args: [
      ...['--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update', ...devices[device].flags],
    ],
    timeout: 120_000,
  })
  t.after(() => launched.close())
  const page = await launched.newPage()
  page.on('pageerror', (error) => t.diagnostic(`in the page: ${error}`))
  await page.goto(server.url, { timeout: 120_000 })
  return page
}

/** A page with the toolkit in it as a bundler makes it, the engine beside it, a checkpoint and a picture. */
async function servedFiles(engineFile: string): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  const files = new Map<string, Uint8Array>([
    ['', Buffer.from('<!doctype html><title>Panoptes</title><script type="module" src="page.js"></script>')],
    ['page.js', outputFiles[0]!.contents],
    [engineFile, await readFile(join(engineFiles, engineFile))],
    ['picture.png', await readFile(picture)],
  ])
  for (const name of await readdir(fixture)) files.set(`model/${name}`, await readFile(join(fixture, name)))
  return files
}
