import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { normalisations } from '../../../src/image/normalise.ts'
import { llavaTiling, tokensPerLlavaTile } from '../../../src/systems/llava-config.ts'
import { layOutLlava } from '../../../src/systems/llava-prepare.ts'
import { llavaVision } from '../../../src/systems/llava-vision.ts'
import type { PreparedConversation } from '../../../src/systems/system.ts'
import { orderTokens } from '../../../src/systems/visual-input.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { anyResTokens } from '../../../src/tiling/any-res-tokens.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import { planTiles } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { casePicture } from '../chat.ts'
import { greedyMargins, llavaConfigs, llavaFiles, llavaReader } from '../llava.ts'
import { caseWeights, readPrompt, rowsOf, runOnce } from '../programs.ts'

/** Pictures of several shapes: canvases, pixels, tokens merged in each way, logits and greedy ids. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const files = await llavaFiles(golden)
  const { config, tower } = llavaConfigs(files)
  const { sight, reader, parts, dispose } = await llavaReader(files)
  const weights = new Weights(await caseWeights(golden))
  const newline = (await files.checkpoint.entry('model.image_newline').read()).data as Float32Array
  const tensors = new Map<string, HostTensor>()
  const canvases: number[] = []
  const grids: number[] = []
  const prepared: PreparedConversation[] = []
  const perTile = tokensPerLlavaTile(config, tower)

  for (let i = 0; golden.io.has(`input.input_ids${i}`); i++) {
    const picture = await casePicture(golden, `image${i}.png`)
    const plan = planTiles(picture.image, llavaTiling(config, tower.image_size))
    const { columns, rows, canvas } = plan.groups[1]!
    canvases.push(canvas!.width, canvas!.height)
    grids.push(columns, rows)
    const pixels = tilePixelValues(picture.image, plan, normalisations.clip)
    tensors.set(`pixel_values${i}`, pixels)
    const vision = llavaVision(weights, input('pixels', 'f32', pixels.shape), config, tower)
    const { features } = await runOnce({ features: vision }, { pixels })
    for (const merge of ['spatial_unpad', 'spatial', 'flat'] as const) {
      const order = anyResTokens(plan, perTile, merge)
      tensors.set(`${merge}_features${i}`, orderTokens(features as HostTensor<'f32'>, order, newline))
    }
    const ids = rowsOf(golden.io.get(`input.input_ids${i}`)!)[0]!
    prepared.push(layOutLlava(sight, ids, [picture], [plan], ''))
  }
  tensors.set('best_resolution', i64([prepared.length, 2], canvases))
  tensors.set('grid_shape', i64([prepared.length, 2], grids))

  const lengths: number[] = []
  for (const [i, each] of prepared.entries()) {
    const { logits } = await readPrompt(parts.programs, await reader.embed(each))
    const [, T, V] = logits.shape as [number, number, number]
    const last = (logits.data as Float32Array<ArrayBuffer>).slice((T - 8) * V)
    tensors.set(`logits_last8_${i}`, hostTensor('f32', [8, V], last))
    const count = golden.io.get(`expected.gen_ids${i}`)!.shape[0]!
    const { ids, margins } = await greedyMargins(await reader.read([each]), count)
    tensors.set(`gen_ids${i}`, ids)
    tensors.set(`gen_margin${i}`, margins)
    lengths.push(T)
  }
  const shape = [prepared.length, Math.max(...lengths), parts.programs.decoder.hiddenSize]
  tensors.set('batch_embed_shape', i64([3], shape))
  await dispose()
  return { tensors, checked: tensors.size }
}
