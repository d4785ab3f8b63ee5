import type { FileSource } from '../checkpoint/files.ts'
import { httpSource } from '../checkpoint/http.ts'
import { decodeImageInBrowser } from '../image/decode-browser.ts'
import { type WebEngineOptions, webEngine } from '../runtime/web-engine.ts'
import { InputError } from '../tensor/errors.ts'
import { type LoadOptions, loadModel } from './load.ts'
import type { Model } from './model.ts'

/** A picture in a page: an address, a file that was chosen or dropped, or the bytes of a file. */
export type BrowserPicture = string | URL | Blob | Uint8Array

export type BrowserModel = Model<BrowserPicture>

/** `device` is `wasm` (the default) or `webgpu`. */
export interface BrowserLoadOptions extends Omit<LoadOptions, 'adapter'>, WebEngineOptions {
  /** A LoRA adapter as peft saves it, which is merged into the model's weights: its address, or any source of files. */
  readonly adapter?: string | URL | FileSource | undefined
}

/**
 * Loads a model in a page or a worker: the address of a folder in its published layout, or any other source of files
 * (`fileListSource` for a folder that was chosen). WebAssembly holds its thread while it runs: to keep a page alive,
 * load in a worker.
 * @example
 * const model = await load('/models/Mini-Monkey', { device: 'wasm' })
 * const answer = await model.ask('What is the total?', { images: [input.files[0]] })
 * @throws as `loadModel`, and CheckpointError `source-url`, `source-unreachable`
 */
export async function load(
  model: string | URL | FileSource,
  { wasmFolder, adapter, ...options }: BrowserLoadOptions = {},
): Promise<BrowserModel> {
  const rest = { ...options, adapter: adapter === undefined ? undefined : sourceOf(adapter) }
  return loadModel<BrowserPicture>(sourceOf(model), rest, {
    engine: webEngine({ wasmFolder }),
    device: 'wasm',
    async decode(encoded, numbered) {
      const name = nameOf(encoded) ?? numbered
      const file = typeof encoded === 'string' || encoded instanceof URL ? await fetched(encoded) : encoded
      return { name, image: await decodeImageInBrowser(file, { name }) }
    },
  })
}

function sourceOf(named: string | URL | FileSource): FileSource {
  return typeof named === 'string' || named instanceof URL ? httpSource(named) : named
}

function nameOf(encoded: BrowserPicture): string | undefined {
  if (encoded instanceof Blob) return 'name' in encoded ? String(encoded.name) : undefined
  return encoded instanceof Uint8Array ? undefined : String(encoded)
}

async function fetched(url: string | URL): Promise<Blob> {
  const response = await fetch(url).catch((error: Error) => {
    throw new InputError('image-missing', `${url} cannot be read (${error.message}).`, { name: url }, error)
  })
  if (response.ok) return response.blob()
  throw new InputError(
    'image-missing',
    `${url} cannot be read (status ${response.status}). Check the address.`,
    { name: url, status: response.status },
  )
}
