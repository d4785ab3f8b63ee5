import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeGguf } from './gguf.ts'
import { importPeer, peerFolder } from './install.ts'
import { type DecoderRequest, serve, size, timed } from './protocol.ts'

/** What the bench uses of node-llama-cpp. */
interface LlamaModule {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{ getSequence(): Sequence }>
    }>
  }>
}
interface Sequence {
  readonly nextTokenIndex: number
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>
  eraseContextTokenRanges(ranges: readonly { start: number; end: number }[]): Promise<void>
}

/** `node bench/peers/llama-cpp.ts q4_0|q8_0 [flash]`: llama.cpp through node-llama-cpp, on the CPU. */
const [type = 'q4_0', attention] = process.argv.slice(2) as ['q4_0' | 'q8_0', string?]
const { getLlama } = await importPeer<LlamaModule>('node-llama-cpp', '3.22.1')
const path = join(peerFolder, `decoder-${type}.gguf`)
await mkdir(peerFolder, { recursive: true })
if (!existsSync(path)) await writeGguf(path, type)
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel: 'error' })
const model = await llama.loadModel({ modelPath: path })
const context = await model.createContext({
  contextSize: size.context,
  batchSize: 512,
  threads: 2,
  flashAttention: attention === 'flash',
})
const sequence = context.getSequence()
const words = Array.from({ length: size.context }, (_, i) => 3 + ((i * 7919) % (size.vocab - 3)))

async function holdTokens(count: number): Promise<void> {
  if (sequence.nextTokenIndex > count)
    await sequence.eraseContextTokenRanges([{ start: count, end: sequence.nextTokenIndex }])
  const held = sequence.nextTokenIndex
  if (held < count) await sequence.evaluateWithoutGeneratingNewTokens(words.slice(held, count))
}

await serve<DecoderRequest>(async (request) => {
  await holdTokens(request.past)
  if (request.op === 'prefill')
    return timed(() =>
      sequence.evaluateWithoutGeneratingNewTokens(words.slice(request.past, request.past + request.tokens)),
    )
  return timed(async () => {
    let left = request.count
    for await (const _ of sequence.evaluate([words[request.past]!], { temperature: 0 }))
      if (--left === 0) break
  })
})
