import { readFile } from 'node:fs/promises'
import { DecoderPrograms } from '../../../src/decoders/programs.ts'
import { decoderOf } from '../../../src/decoders/registry.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { internVlConfig } from '../../../src/systems/internvl-config.ts'
import { internVlVision } from '../../../src/systems/internvl-vision.ts'
import type { Picture, System } from '../../../src/systems/system.ts'
import { writeVisualTokens } from '../../../src/systems/visual-input.ts'
import { type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { PICTURE_TOKENS } from '../../../src/text/picture-tokens.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { answerText, casePicture, caseSystem, greedyAnswer, trainingTensors } from '../chat.ts'
import { caseWeights, readPrompt, runOnce, withTaps } from '../programs.ts'

interface Texts {
  readonly one: { readonly question: string; readonly response: string }
  readonly two: { readonly question: string; readonly response: string }
  readonly batch: { readonly questions: readonly string[]; readonly responses: readonly string[] }
}

/** Pictures to answers through the system; hidden states through the same functions; a training batch. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const texts = JSON.parse(await readFile(golden.file('texts.json'), 'utf8')) as Texts
  const tensors = new Map<string, HostTensor>()
  const mismatches: string[] = []
  const system = await caseSystem(golden)
  const wide = await casePicture(golden, 'wide.png')
  const tall = await casePicture(golden, 'tall.png')

  await conversation(tensors, mismatches, system, golden, 'one', [wide], texts.one)
  await conversation(tensors, mismatches, system, golden, 'two', [wide, tall], texts.two)
  await batchChat(tensors, mismatches, system, golden, [wide, tall], texts.batch)
  await insides(tensors, golden, system, wide, texts.one.question)
  await system.dispose()

  const { min_dynamic_patch: min, max_dynamic_patch: max } = internVlConfig.parse(golden.json.config)
  const trained = await trainingTensors(golden, {
    tiling: (pictures) => ({
      strategy: 'dynamic',
      minTiles: min,
      maxTiles: Math.max(1, Math.floor(max / pictures)),
    }),
    isTrained: () => true,
  })
  for (const [name, value] of trained) tensors.set(name, value)
  return { tensors, mismatches, checked: tensors.size + 4 }
}

async function conversation(
  tensors: Map<string, HostTensor>,
  mismatches: string[],
  system: System,
  golden: GoldenCase,
  name: 'one' | 'two',
  pictures: readonly Picture[],
  text: { readonly question: string; readonly response: string },
): Promise<void> {
  const prepared = system.prepare({ pictures, question: text.question })
  const given = golden.io.get(`input.${name}.input_ids`)!
  if (Array.from(given.data as BigInt64Array, Number).join() !== prepared.promptIds.join())
    mismatches.push(`${name}.input_ids differ: ${prepared.promptIds.join(' ')}`)
  const state = await system.start(prepared)
  tensors.set(`${name}.last_logits`, state.logits)
  const most = golden.io.get(`expected.${name}.greedy`)!.shape[1]!
  const { ids, scores, rows } = await greedyAnswer(system, state, most)
  tensors.set(`${name}.greedy`, ids)
  tensors.set(`${name}.scores`, scores)
  const answer = answerText(system, rows[0]!)
  if (answer !== text.response) mismatches.push(`${name}: answered '${answer}', expected '${text.response}'`)
}

/** One picture for each question; the rows are padded at the left. */
async function batchChat(
  tensors: Map<string, HostTensor>,
  mismatches: string[],
  system: System,
  golden: GoldenCase,
  pictures: readonly Picture[],
  text: Texts['batch'],
): Promise<void> {
  const given = golden.io.get('expected.batch.input_ids')!
  const mask = golden.io.get('expected.batch.attention_mask')!
  const length = given.shape[1]!
  const prepared = text.questions.map((question, row) =>
    system.prepare({ pictures: [pictures[row]!], question }),
  )
  const padded = prepared.map(({ promptIds }) => {
    const padding = length - promptIds.length
    return { ids: [...Array<number>(padding).fill(system.tokenizer.padId!), ...promptIds], padding }
  })
  tensors.set(
    'batch.input_ids',
    i64(
      given.shape,
      padded.flatMap((row) => row.ids),
    ),
  )
  tensors.set(
    'batch.attention_mask',
    i64(
      mask.shape,
      padded.flatMap((row) => row.ids.map((_, t) => Number(t >= row.padding))),
    ),
  )
  const state = await system.startBatch(prepared)
  const { ids, rows } = await greedyAnswer(system, state, golden.io.get('expected.batch.greedy')!.shape[1]!)
  tensors.set('batch.greedy', ids)
  rows.forEach((row, i) => {
    const answer = answerText(system, row)
    if (answer !== text.responses[i])
      mismatches.push(`batch ${i}: answered '${answer}', expected '${text.responses[i]}'`)
  })
}

/** Visual tokens, all hidden states and the logits of every prompt position. */
async function insides(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  system: System,
  picture: Picture,
  question: string,
): Promise<void> {
  const config = internVlConfig.parse(golden.json.config)
  const weights = new Weights(await caseWeights(golden))
  const prepared = system.prepare({ pictures: [picture], question })
  const pixels = await prepared.pixels(0, prepared.tileCount)
  const vision = internVlVision(weights, input('pixels', 'f32', pixels.shape), config)
  const { features } = await runOnce({ features: vision }, { pixels })
  tensors.set('one.features', features!)
  const decoder = decoderOf(config.llm_config, 'case.json')
  const programs = await DecoderPrograms.compile(decoder, weights.at('language_model'), { compile: withTaps })
  const embeddings = await programs.embed([prepared.promptIds])
  const contextId = system.tokenizer.idOf(PICTURE_TOKENS.context)!
  await writeVisualTokens(embeddings, features as HostTensor<'f32'>, prepared.promptIds, contextId)
  const { logits, normed, taps } = await readPrompt(programs, embeddings)
  tensors.set('one.hidden_states.0', embeddings)
  for (const [name, value] of Object.entries(taps)) tensors.set(`one.${name}`, value)
  tensors.set(`one.hidden_states.${decoder.layers}`, normed)
  tensors.set('one.logits', logits)
  await programs.dispose()
}
