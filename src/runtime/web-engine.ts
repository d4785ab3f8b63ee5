import { EngineError } from '../tensor/errors.ts'
import type { Device, Engine, WeightFile } from './engine.ts'
import { graphOptions, ortSession } from './ort-session.ts'
import { engineMessage, openError } from './run-errors.ts'

export interface WebEngineOptions {
  /**
   * The URL of the folder that serves `ort-wasm-simd-threaded*.mjs` and `.wasm` of onnxruntime-web/dist. Without it
   * the `.wasm` file is looked for beside the script that this module was bundled into, and one thread runs.
   */
  readonly wasmFolder?: string | URL | undefined
}

/** The two builds of onnxruntime-web: a page fetches the one (14 or 27 MB) that its device needs. */
const builds = {
  wasm: { file: 'ort-wasm-simd-threaded', load: () => import('onnxruntime-web/wasm') },
  webgpu: { file: 'ort-wasm-simd-threaded.asyncify', load: () => import('onnxruntime-web/webgpu') },
}

type Build = keyof typeof builds

/** How a build was started: once for all engines of a page, since ONNX Runtime's settings are global. */
const started = new Map<Build, { readonly threads: number; readonly wasmFolder: string | undefined }>()

/**
 * ONNX Runtime through its npm package for browsers, in a page or a worker: `wasm` is the CPU, whose runs hold the
 * thread they are called from (call it in a worker to keep a page alive); `webgpu` needs a browser that has it.
 */
export function webEngine(options: WebEngineOptions = {}): Engine {
  return {
    name: 'onnxruntime-web',
    devices: ['wasm', 'webgpu'],
    async open(model, weights, { device, threads }) {
      const build = device === 'webgpu' ? 'webgpu' : 'wasm'
      if (build === 'webgpu') await requireWebGpu()
      const ort = await builds[build].load()
      start(build, ort.env.wasm, threads, options)
      try {
        const session = await ort.InferenceSession.create(model, {
          executionProviders: [device],
          graphOptimizationLevel: 'all',
          logSeverityLevel: 3,
          externalData: weights.map(externalData),
          extra: { ...graphOptions }, // a copy: onnxruntime-web adds settings of its own to it
        })
        return ortSession(ort.Tensor, session)
      } catch (error) {
        throw webError(build, device, error)
      }
    },
  }
}

/** @throws EngineError `threads-unavailable`, `engine-started` */
function start(
  build: Build,
  flags: { wasmPaths?: unknown; numThreads?: number },
  threads: number | undefined,
  options: WebEngineOptions,
): void {
  const wasmFolder = options.wasmFolder === undefined ? undefined : folderUrl(options.wasmFolder)
  const wanted = { threads: threads ?? defaultThreads(wasmFolder), wasmFolder }
  if (wanted.threads > 1) requireThreads(wanted.threads, wasmFolder)
  const known = started.get(build)
  if (known && (known.wasmFolder !== wasmFolder || (threads !== undefined && known.threads !== threads)))
    throw new EngineError(
      'engine-started',
      `onnxruntime-web runs in this page already with ${startText(known)}; asked for is ${startText(wanted)}. ` +
        'Load every model with the same threads and wasmFolder.',
      { known, wanted },
    )
  if (known) return
  started.set(build, wanted)
  flags.numThreads = wanted.threads
  if (wasmFolder !== undefined) flags.wasmPaths = wasmFolder
}

function startText(start: { threads: number; wasmFolder: string | undefined }): string {
  return `${start.threads} threads and ${start.wasmFolder ?? 'its own folder'}`
}

/** An absolute URL that ends in a slash, as onnxruntime-web wants it. */
function folderUrl(folder: string | URL): string {
  const { href } = new URL(folder, globalThis.location?.href)
  return href.endsWith('/') ? href : `${href}/`
}

/**
 * Threads beyond one are workers that import the engine's own script: in a bundle without `wasmFolder` they would
 * run the application a second time.
 */
function defaultThreads(wasmFolder: string | undefined): number {
  const canShare = globalThis.crossOriginIsolated === true && wasmFolder !== undefined
  return canShare ? Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2)) : 1
}

function requireThreads(threads: number, wasmFolder: string | undefined): void {
  const why = !globalThis.crossOriginIsolated
    ? 'the page is not cross-origin isolated. Serve it with the headers Cross-Origin-Opener-Policy: same-origin ' +
      'and Cross-Origin-Embedder-Policy: require-corp'
    : wasmFolder === undefined
      ? 'the engine does not know its own script. Pass wasmFolder'
      : undefined
  if (why)
    throw new EngineError(
      'threads-unavailable',
      `WebAssembly cannot use ${threads} threads here: ${why}, or leave threads out.`,
      { threads },
    )
}

async function requireWebGpu(): Promise<void> {
  const { gpu } = globalThis.navigator as { gpu?: { requestAdapter(): Promise<object | null> } }
  const adapter = await gpu?.requestAdapter()
  if (adapter) return
  const why = gpu
    ? 'the browser finds no graphics adapter for it'
    : globalThis.isSecureContext === false
      ? 'it exists only in pages served by https or from localhost'
      : 'the browser does not have it'
  throw new EngineError(
    'device-unavailable',
    `The device 'webgpu' cannot be used here: ${why}. Use the device 'wasm'.`,
    { device: 'webgpu' },
  )
}

function externalData(file: WeightFile): { path: string; data: Uint8Array } {
  if ('bytes' in file) return { path: file.location, data: file.bytes }
  throw new EngineError(
    'weights-elsewhere',
    `onnxruntime-web takes weights as bytes, but ${file.location} was given as the path ${file.localPath}.`,
  )
}

/** Files that did not load are the commonest failure, and the engine's message does not say where they should be. */
function webError(build: Build, device: Device, error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const message = engineMessage(error)
  if (!/no available backend|wasm streaming|failed to fetch|dynamically imported/i.test(message))
    return openError(device, error)
  const { file } = builds[build]
  const folder = started.get(build)?.wasmFolder
  return new EngineError(
    'engine-files-missing',
    `onnxruntime-web did not start (${message}). ` +
      (folder
        ? `Serve ${file}.mjs and ${file}.wasm of onnxruntime-web/dist in ${folder}, and reload the page.`
        : `Serve ${file}.wasm of onnxruntime-web/dist beside the bundled script (or pass wasmFolder), and reload the page.`),
    { file, folder },
    error,
  )
}
