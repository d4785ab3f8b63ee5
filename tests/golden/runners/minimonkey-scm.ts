import { DecoderPrograms } from '../../../src/decoders/programs.ts'
import { decoderOf } from '../../../src/decoders/registry.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { compressScales } from '../../../src/systems/scale-compression.ts'
import { selectTokens, writeVisualTokens } from '../../../src/systems/visual-input.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, contextIdOf, greedy, readPrompt, rowsOf, withTaps } from '../programs.ts'

/** Compression of prompts whose visual features are given, for every scenario of the case. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { llm_config: config } = golden.json.config as { llm_config: Record<string, unknown> }
  const decoder = decoderOf(config, 'case.json')
  const weights = new Weights(await caseWeights(golden))
  const programs = await DecoderPrograms.compile(decoder, weights.at('language_model'), {
    compile: withTaps,
    cuts: [2],
    observed: 1,
  })
  const tensors = new Map<string, HostTensor>()
  for (const name of golden.io.keys()) {
    const scenario = /^input\.(.+)\.input_ids$/.exec(name)?.[1]
    if (scenario) await compressScenario(tensors, programs, golden, scenario)
  }
  await programs.dispose()
  return { tensors, checked: tensors.size }
}

async function compressScenario(
  tensors: Map<string, HostTensor>,
  programs: DecoderPrograms,
  golden: GoldenCase,
  scenario: string,
): Promise<void> {
  const given = (name: string): HostTensor => golden.io.get(`input.${scenario}.${name}`)!
  const give = (name: string, value: HostTensor): unknown => tensors.set(`${scenario}.${name}`, value)
  const ids = rowsOf(given('input_ids'))
  const features = given('visual_features') as HostTensor<'f32'>
  const [columns, rows] = rowsOf(given('target_aspect_ratio'))[0] as [number, number]
  const high = columns * rows * features.shape[1]!

  const contextId = contextIdOf(golden)
  const embeddings = await programs.embed(ids)
  await writeVisualTokens(embeddings, features, ids[0]!, contextId)
  const whole = await readPrompt(programs, embeddings)
  give('layer1_attention', whole.taps['attentions.1']!)
  give('logits_full_last', lastRow(whole.logits))
  give('greedy_full', (await greedy(whole.sequence, whole.logits, 12)).ids)

  const { scores, keptPositions } = await compressScales(
    programs,
    embeddings,
    ids[0]!.indexOf(contextId),
    high,
    {},
  )
  give('scores', hostTensor('f32', [1, high], scores as Float32Array<ArrayBuffer>))
  give('kept_positions', i64([keptPositions.length], keptPositions))
  const pruned = await selectTokens(embeddings, keptPositions)
  give('pruned_embeds', pruned)
  const short = await readPrompt(programs, pruned)
  give('logits_scm', short.logits)
  give('greedy_scm', (await greedy(short.sequence, short.logits, 12)).ids)
}

/** [1, T, V] → [1, V]. */
function lastRow(logits: HostTensor): HostTensor {
  const [, T, V] = logits.shape as [number, number, number]
  return hostTensor('f32', [1, V], (logits.data as Float32Array<ArrayBuffer>).slice((T - 1) * V))
}
