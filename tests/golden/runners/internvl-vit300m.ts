import { parseConfig } from '../../../src/checkpoint/config.ts'
import { attentionBranch, internVit, mlpBranch } from '../../../src/encoders/internvit.ts'
import { internVitConfig } from '../../../src/encoders/internvit-config.ts'
import { reshape, slice } from '../../../src/graph/ops/index.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { positionTable } from '../../../src/nn/position-table.ts'
import { bicubicWeights } from '../../../src/nn/resize.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** The tower alone: taps of every layer, a picture that is not square, the position table at another size. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(internVitConfig, golden.json.config, 'case.json')
  const checkpoint = await caseWeights(golden)
  const tensors = new Map<string, HostTensor>()
  for (const prefix of ['', 'nonsquare.']) {
    const pixels = golden.io.get(`input.${prefix}pixel_values`)!
    const x = input('pixels', 'f32', pixels.shape)
    const w = new Weights(checkpoint)
    const { hiddenStates } = internVit(w, x, config)
    const last = hiddenStates.at(-1)!
    const first = w.at('encoder.layers.0')
    const pooled = reshape(slice(last, 1, 0, 1), [pixels.shape[0]!, config.hidden_size])
    const outputs = {
      last_hidden_state: last,
      pooler_output: pooled,
      'layer0.attn_out': attentionBranch(first, hiddenStates[0]!, config),
      'layer0.mlp_out': mlpBranch(first, hiddenStates[0]!, config),
    }
    const values = await runOnce(outputs, { pixels }, withTaps)
    tensors.set(`${prefix}hidden_states.0`, values.embeddings!)
    for (const [name, value] of Object.entries(values)) tensors.set(`${prefix}${name}`, value)
  }
  const resized = golden.io.get('expected.resized_position_embedding')!
  const side = Math.sqrt(resized.shape[1]! - 1)
  const table = new Weights(checkpoint).get('embeddings.position_embedding')
  const { position } = await runOnce({ position: positionTable(table, side, side, bicubicWeights) }, {})
  tensors.set('resized_position_embedding', position!)
  return { tensors, checked: golden.io.size - 2 }
}
