import { conversation } from '../../src/data/synthetic/series.ts'
import { dim } from '../../src/graph/dim.ts'
import { mean, softmax } from '../../src/graph/ops/index.ts'
import { input } from '../../src/graph/tensor.ts'
import { Weights } from '../../src/graph/weights.ts'
import { type CompileOptions, Program } from '../../src/runtime/program.ts'
import type { HostTensor } from '../../src/tensor/tensor.ts'
import { loadTokenizer } from '../../src/text/load-tokenizer.ts'
import { PICTURE_TOKENS } from '../../src/text/picture-tokens.ts'
import { conversationTemplate } from '../../src/text/templates.ts'
import { requiredTokenId } from '../../src/text/tokenizer.ts'
import { planTiles } from '../../src/tiling/tiling.ts'
import { cellsTask } from '../../src/train/cells/decoder-task.ts'
import { Looks } from '../../src/train/cells/pointing.ts'
import { layoutOf } from '../../src/train/sample-source.ts'
import { visualLogits } from '../../src/train/visual-loss.ts'
import { type CellModel, picturesOf, type Reading } from './model.ts'

/** What a decoder answers when it is shown exact codes. */
export interface Answered {
  readonly questions: number
  /** Of these, those whose every token is the likeliest one behind the right ones before it: what greedy decoding says. */
  readonly right: number
  readonly tokens: number
  readonly rightTokens: number
  /** Answers that are read off, and of these those whose first letter it looks at before it writes anything. */
  readonly finds: number
  readonly rightFinds: number
  /** Letters that are read off a token, and of these those before which the decoder looks at it. */
  readonly looks: number
  readonly rightLooks: number
  /** Those for which it tells the right place of a token. */
  readonly rightPlaces: number
}

/** Shows the decoder the codes of what stands on pictures, a question at a time. */
export async function measureDecoder(
  { files, config, decoder, code }: CellModel,
  compile: CompileOptions,
  readings: readonly Reading[],
  onReading: (reading: Reading, answered: Answered) => void,
): Promise<void> {
  const w = new Weights(files.checkpoint).at('language_model')
  const tokenizer = await loadTokenizer(files.source)
  const text = {
    ...{ tokenizer, template: conversationTemplate(config.template), maxLength: 8192, isExact: true },
    contextId: requiredTokenId(tokenizer, PICTURE_TOKENS.context),
  }
  const looks = new Looks(decoder)
  const logits = visualLogits(w, decoder, input('shown', 'f32', [dim('R'), code.width]), looks)
  const { scores, places } = looks.found
  const program = await Program.compile(
    'decoder',
    { logits, looking: mean(softmax(scores), [1]), places },
    compile,
  )
  for (const reading of readings) {
    const tiling = { ...reading.tiling, tileSize: config.tileSize }
    const task = cellsTask(files, config, decoder, (size) => planTiles(size, tiling), text)
    const answered = {
      questions: 0,
      right: 0,
      tokens: 0,
      rightTokens: 0,
      finds: 0,
      rightFinds: 0,
      looks: 0,
      rightLooks: 0,
      rightPlaces: 0,
    }
    for (const picture of picturesOf(reading)) {
      const { readings, ...layout } = layoutOf(picture)
      for (const [i, asked] of picture.questions.entries()) {
        const record = { images: [picture.id], conversations: conversation({ questions: [asked] }) }
        const sample = await task
          .draft({ record, pictures: [], layouts: [{ ...layout, readings: [readings[i]] }] })
          .finish()
        const { targets, pointed, pointedPlaces, pointedWeights, ...feeds } = task.feeds([sample]) as Record<
          string,
          HostTensor
        >
        const { logits, looking, places } = await program.run(feeds)
        // A question at a time: the first labelled token is the first of its answer.
        const firstLook = Number(feeds.labelled!.data[0])
        const hasTarget = [...(pointedWeights!.data as Float32Array)].map((weight) => weight > 0)
        const isRight = rightRows(looking!.data as Float32Array, pointed!.data as BigInt64Array)
        const isRightPlace = rightRows(places!.data as Float32Array, pointedPlaces!.data as BigInt64Array)
        answered.finds += Number(hasTarget[firstLook])
        answered.rightFinds += Number(hasTarget[firstLook] && isRight[firstLook])
        answered.rightPlaces += isRightPlace.filter((right, i) => right && hasTarget[i]).length
        answered.looks += hasTarget.filter(Boolean).length
        answered.rightLooks += isRight.filter((right, i) => right && hasTarget[i]).length
        const right = rightRows(logits!.data as Float32Array, targets!.data as BigInt64Array).filter(
          Boolean,
        ).length
        answered.questions++
        answered.right += Number(right === targets!.data.length)
        answered.tokens += targets!.data.length
        answered.rightTokens += right
      }
    }
    onReading(reading, answered)
  }
  await program.dispose()
}

/** Of each row, whether its target has the greatest value. */
function rightRows(values: Float32Array, targets: BigInt64Array): boolean[] {
  const size = values.length / targets.length
  return Array.from(targets, (target, i) => {
    const row = values.subarray(i * size, (i + 1) * size)
    return row.every((value) => value <= row[Number(target)]!)
  })
}
