import { readFile } from 'node:fs/promises'
import { DecoderPrograms } from '../../../src/decoders/programs.ts'
import { decoderOf } from '../../../src/decoders/registry.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { internVlConfig, tokensPerTile } from '../../../src/systems/internvl-config.ts'
import { internVlVision } from '../../../src/systems/internvl-vision.ts'
import { compressScales } from '../../../src/systems/scale-compression.ts'
import type { Picture, System } from '../../../src/systems/system.ts'
import { writeVisualTokens } from '../../../src/systems/visual-input.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { PICTURE_TOKENS } from '../../../src/text/picture-tokens.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { answerText, casePicture, caseSystem, greedyAnswer, trainingTensors } from '../chat.ts'
import { caseWeights, readPrompt, runOnce, withTaps } from '../programs.ts'

type Texts = Readonly<Record<string, { readonly question: string; readonly response: string }>>

/** The two orders of the tiles, with compression and without, through the system; then what lies inside. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const texts = JSON.parse(await readFile(golden.file('texts.json'), 'utf8')) as Texts
  const tensors = new Map<string, HostTensor>()
  const mismatches: string[] = []
  const system = await caseSystem(golden)
  const picture = await casePicture(golden, 'doc.png')
  for (const [name, text] of Object.entries(texts)) {
    const order = name.startsWith('demo') ? 'demo' : 'evaluation'
    const prepared = system.prepare({
      pictures: [picture],
      question: text.question,
      tiling: { strategy: 'msac', order },
      ...(name.endsWith('scm') && { compression: {} }),
    })
    const state = await system.start(prepared)
    tensors.set(`${name}.last_logits`, state.logits)
    const { keptPositions } = state.layout
    if (keptPositions) tensors.set(`${name}.kept_positions`, i64([keptPositions.length], keptPositions))
    const most = golden.io.get(`expected.${name}.greedy`)!.shape[1]!
    const { ids, rows } = await greedyAnswer(system, state, most)
    tensors.set(`${name}.greedy`, ids)
    const answer = answerText(system, rows[0]!)
    if (answer !== text.response)
      mismatches.push(`${name}: answered '${answer}', expected '${text.response}'`)
  }
  const { question } = Object.values(texts)[0]!
  await insides(tensors, golden, system, picture, question)
  await system.dispose()

  const trained = await trainingTensors(golden, {
    tiling: () => ({ strategy: 'msac', preset: 'training' }),
    isTrained: (key) => key.startsWith('language_model.'),
  })
  for (const [name, value] of trained) tensors.set(name, value)
  return { tensors, mismatches, checked: tensors.size + mismatches.length }
}

/** Visual tokens, hidden states, whole logits, and the scores of compression in both orders. */
async function insides(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  system: System,
  picture: Picture,
  question: string,
): Promise<void> {
  const config = internVlConfig.parse(golden.json.config)
  const weights = new Weights(await caseWeights(golden))
  const decoder = decoderOf(config.llm_config, 'case.json')
  const programs = await DecoderPrograms.compile(decoder, weights.at('language_model'), {
    compile: withTaps,
    cuts: [2],
    observed: 1,
  })
  const contextId = system.tokenizer.idOf(PICTURE_TOKENS.context)!
  for (const [name, order] of [
    ['kit', 'evaluation'],
    ['demo', 'demo'],
  ] as const) {
    const prepared = system.prepare({ pictures: [picture], question, tiling: { strategy: 'msac', order } })
    const pixels = await prepared.pixels(0, prepared.tileCount)
    const vision = internVlVision(weights, input('pixels', 'f32', pixels.shape), config)
    const features = (await runOnce({ features: vision }, { pixels })).features as HostTensor<'f32'>
    tensors.set(`${name}.features`, features)
    const { columns, rows } = prepared.pictures[0]!.plan.detailedGrid!
    tensors.set('detailed_grid', i64([2], [columns, rows]))
    tensors.set(`${name}_full.input_ids`, i64([1, prepared.promptIds.length], prepared.promptIds))

    const embeddings = await programs.embed([prepared.promptIds])
    await writeVisualTokens(embeddings, features, prepared.promptIds, contextId)
    const { logits, normed, taps } = await readPrompt(programs, embeddings)
    tensors.set(`${name}_full.hidden_states.0`, embeddings)
    for (const [tap, value] of Object.entries(taps)) tensors.set(`${name}_full.${tap}`, value)
    tensors.set(`${name}_full.hidden_states.${decoder.layers}`, normed)
    tensors.set(`${name}_full.logits`, logits)
    const high = columns * rows * tokensPerTile(config)
    const { scores } = await compressScales(programs, embeddings, prepared.layout.spans[0]!.start, high, {})
    tensors.set(`${name}_scm.scores`, hostTensor('f32', [1, high], scores as Float32Array<ArrayBuffer>))
  }
  await programs.dispose()
}
