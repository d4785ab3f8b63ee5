// The model's own thread: WebAssembly holds the thread that it runs on, and a page should not stand still.
import {
  type BrowserLoadOptions,
  type BrowserModel,
  type Device,
  decodeImageInBrowser,
  fileListSource,
  load,
  type RunEvent,
  type TilePlan,
} from '../../src/index.ts'

type RunOptions = Pick<BrowserLoadOptions, 'signal' | 'onEvent'>

/** What the page asks for; a new request stops the one before. */
export type Request =
  | { readonly type: 'load'; readonly files: readonly File[]; readonly device: Device }
  | { readonly type: 'ask'; readonly question: string; readonly picture: File }
  | { readonly type: 'stop' }

/** What it is told, in this order: `loaded`; `planned`, `piece`…, `answered`; `failed` instead of any. */
export type Reply =
  | { readonly type: 'progress'; readonly event: RunEvent }
  | { readonly type: 'loaded'; readonly name: string }
  | { readonly type: 'planned'; readonly plan: TilePlan }
  | { readonly type: 'piece'; readonly text: string }
  | { readonly type: 'answered'; readonly visualTokens: number; readonly seconds: number }
  | { readonly type: 'failed'; readonly message: string }

let model: BrowserModel | undefined
let running = new AbortController()

const reply = (message: Reply): void => self.postMessage(message)

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  running.abort()
  running = new AbortController()
  const { signal } = running
  const run: RunOptions = {
    signal,
    onEvent: (event) => event.phase !== 'notice' && reply({ type: 'progress', event }),
  }
  try {
    if (data.type === 'load') await loadModel(data.files, { ...run, device: data.device })
    if (data.type === 'ask') await ask(data.question, data.picture, run)
  } catch (error) {
    if (!signal.aborted) reply({ type: 'failed', message: (error as Error).message })
  }
}

async function loadModel(files: readonly File[], options: BrowserLoadOptions): Promise<void> {
  await model?.dispose()
  model = await load(fileListSource(files), options)
  reply({ type: 'loaded', name: model.system.name })
}

async function ask(question: string, file: File, run: RunOptions): Promise<void> {
  if (!model) throw new Error('Choose a model first.')
  const picture = { name: file.name, image: await decodeImageInBrowser(file, { name: file.name }) }
  const { pictures } = model.system.prepare({ pictures: [picture], question })
  reply({ type: 'planned', plan: pictures[0]!.plan })
  const stream = model.stream(question, { images: [picture], maxNewTokens: 256, ...run })
  for await (const text of stream) reply({ type: 'piece', text })
  const { tokens, seconds } = await stream.answer()
  reply({ type: 'answered', visualTokens: tokens.visual, seconds: seconds.total })
}
