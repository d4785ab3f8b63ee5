import { type AskOptions, load } from '../../src/index.ts'

/** What the test calls in the page: everything that `ask` does, on an engine of the browser. */
async function ask(
  device: 'wasm' | 'webgpu',
  picture: string,
  question: string,
  options: AskOptions<string>,
) {
  const model = await load('model', { device })
  const stream = model.stream(question, { images: [picture], ...options })
  let streamed = ''
  for await (const piece of stream) streamed += piece
  const { text, answers, tokens, pictures } = await stream.answer()
  await model.dispose()
  return { text, streamed, ids: answers[0]!.ids, tokens, tiles: pictures[0]!.plan.tiles }
}

export type Ask = typeof ask
Object.assign(globalThis, { ask })
