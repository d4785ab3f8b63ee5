import { conversation } from '../../src/data/synthetic/series.ts'
import { dim } from '../../src/graph/dim.ts'
import { input } from '../../src/graph/tensor.ts'
import { Weights } from '../../src/graph/weights.ts'
import { type CompileOptions, Program } from '../../src/runtime/program.ts'
import type { HostTensor } from '../../src/tensor/tensor.ts'
import { layoutOf } from '../../src/train/sample-source.ts'
import { openTask } from '../../src/train/task.ts'
import { visualLogits } from '../../src/train/visual-loss.ts'
import { type CellModel, picturesOf, type Reading } from './model.ts'

/** What a decoder answers when it is shown exact codes. */
export interface Answered {
  readonly questions: number
  /** Of these, those whose every token is the likeliest one behind the right ones before it: what greedy decoding says. */
  readonly right: number
  readonly tokens: number
  readonly rightTokens: number
}

/** Shows the decoder the codes of what stands on pictures, a question at a time. */
export async function measureDecoder(
  { files, decoder, code }: CellModel,
  compile: CompileOptions,
  readings: readonly Reading[],
  onReading: (reading: Reading, answered: Answered) => void,
): Promise<void> {
  const w = new Weights(files.checkpoint).at('language_model')
  const logits = visualLogits(w, decoder, input('shown', 'f32', [dim('R'), code.width]))
  const program = await Program.compile('decoder', { logits }, compile)
  for (const reading of readings) {
    const tiling = { strategy: 'dynamic', maxTiles: reading.maxTiles } as const
    const task = await openTask(files, { tiling, pictures: 'cells', maxLength: 8192 })
    const answered = { questions: 0, right: 0, tokens: 0, rightTokens: 0 }
    for (const picture of picturesOf(reading))
      for (const asked of picture.questions) {
        const record = { images: [picture.id], conversations: conversation({ questions: [asked] }) }
        const sample = await task.draft({ record, pictures: [], layouts: [layoutOf(picture)] }).finish()
        const { targets, ...feeds } = task.feeds([sample]) as Record<string, HostTensor>
        const { logits } = await program.run(feeds)
        const right = rightTokens(logits!.data as Float32Array, targets!.data as BigInt64Array)
        answered.questions++
        answered.right += Number(right === targets!.data.length)
        answered.tokens += targets!.data.length
        answered.rightTokens += right
      }
    onReading(reading, answered)
  }
  await program.dispose()
}

function rightTokens(logits: Float32Array, targets: BigInt64Array): number {
  const size = logits.length / targets.length
  let right = 0
  for (const [i, target] of targets.entries()) {
    const row = logits.subarray(i * size, (i + 1) * size)
    right += Number(row.every((value) => value <= row[Number(target)]!))
  }
  return right
}
