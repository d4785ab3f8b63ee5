import { parseConfig } from '../../../src/checkpoint/config.ts'
import { DecoderPrograms } from '../../../src/decoders/programs.ts'
import { decoderOf } from '../../../src/decoders/registry.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { internVlConfig } from '../../../src/systems/internvl-config.ts'
import { internVlVision } from '../../../src/systems/internvl-vision.ts'
import { writeVisualTokens } from '../../../src/systems/visual-input.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, contextIdOf, greedy, readPrompt, rowsOf, runOnce, withTaps } from '../programs.ts'

/** A whole model from pixels and ids: visual tokens, hidden states, logits and greedy ids of each scenario. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(internVlConfig, golden.json.config, 'case.json')
  const weights = new Weights(await caseWeights(golden))
  const decoder = decoderOf(config.llm_config, 'case.json')
  const pixels = golden.io.get('input.pixel_values')!
  const vision = internVlVision(weights, input('pixels', 'f32', pixels.shape), config)
  const { features } = await runOnce({ features: vision }, { pixels })
  const contextId = contextIdOf(golden)
  const tensors = new Map<string, HostTensor>([['features', features!]])
  const programs = await DecoderPrograms.compile(decoder, weights.at('language_model'), { compile: withTaps })
  for (const prefix of ['', 'cross.']) {
    const ids = golden.io.get(`input.${prefix}input_ids`)
    if (!ids) continue
    const prompt = rowsOf(ids)
    const embeddings = await programs.embed(prompt)
    await writeVisualTokens(embeddings, features as HostTensor<'f32'>, prompt[0]!, contextId)
    const { sequence, logits, normed, taps } = await readPrompt(programs, embeddings)
    tensors.set(`${prefix}hidden_states.0`, embeddings)
    for (const [name, value] of Object.entries(taps)) tensors.set(`${prefix}${name}`, value)
    tensors.set(`${prefix}hidden_states.${decoder.layers}`, normed)
    tensors.set(`${prefix}logits`, logits)
    const count = golden.io.get(`expected.${prefix}greedy`)!.shape[1]!
    const generated = await greedy(sequence, logits, count)
    tensors.set(`${prefix}greedy`, generated.ids)
    tensors.set(prefix === '' ? 'greedy_scores' : `${prefix}scores`, generated.scores)
  }
  await programs.dispose()
  return { tensors, checked: tensors.size }
}
