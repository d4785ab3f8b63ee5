import { convNext, stagesAtOneSize } from '../../../src/encoders/convnext.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { compileMgLlava } from '../../../src/systems/mg-llava.ts'
import { highTower } from '../../../src/systems/mgllava-config.ts'
import type { AssembledMgLlava } from '../../../src/systems/mgllava-parts.ts'
import {
  layOutMgLlava,
  type MgLlavaSight,
  type MgLlavaView,
  pictureView,
} from '../../../src/systems/mgllava-prepare.ts'
import { PromptReader } from '../../../src/systems/prompt-reader.ts'
import { f32, type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { joinTiles } from '../../../src/train/collate.ts'
import { blankView } from '../../../src/train/mgllava-task.ts'
import {
  type MgLlavaTrainingSample,
  mergeMgLlava,
  mgLlavaLoss,
  mgLlavaStages,
  mgLlavaTrainingFeeds,
} from '../../../src/train/mgllava-training.ts'
import { adamW } from '../../../src/train/optimizer.ts'
import { TrainingStep } from '../../../src/train/step.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { casePicture } from '../chat.ts'
import { greedyMargins, ofAllTokens, stack } from '../llava.ts'
import { assembledCase, boxRows, caseBoxes, objectRows } from '../mgllava.ts'
import { rowsOf, runOnce, slopesOf, tapped, withTaps } from '../programs.ts'
import { subsample } from '../subsample.ts'

/** A whole model: boxes, pixels, both encoders, a training batch with gradients and a step, an answer. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const model = await assembledCase(golden)
  const { sight, reader, vision } = await compileMgLlava(model, { compile: withTaps })
  const tensors = new Map<string, HostTensor>()
  const boxes = await caseBoxes(golden)
  const views: MgLlavaView[] = []
  for (const i of [0, 1, 2])
    views.push(pictureView(sight, await casePicture(golden, `image${i}.png`), boxes.get(`id${i}`)!))
  const asked = views.pop()!
  await trainingBatch(tensors, golden, model, sight, views)

  const ids = rowsOf(golden.io.get('input.gen_input_ids')!)[0]!
  const prepared = layOutMgLlava(sight, ids, [asked], [1], '')
  tensors.set('gen_boxes', boxRows(asked))
  const prompts = new PromptReader(reader)
  tensors.set('gen_embeds_len', i64([1], [(await prompts.embed(prepared)).shape[1]!]))
  const count = golden.io.get('expected.gen_ids')!.shape[0]!
  const generated = await greedyMargins(await prompts.read([prepared]), count)
  tensors.set('gen_ids', generated.ids)
  tensors.set('gen_margin', generated.margins)
  await vision.dispose()
  await reader.programs.dispose()
  return { tensors, checked: tensors.size }
}

async function trainingBatch(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  model: AssembledMgLlava,
  sight: MgLlavaSight,
  pictures: readonly MgLlavaView[],
): Promise<void> {
  const inputIds = rowsOf(golden.io.get('input.input_ids')!)
  const labels = rowsOf(golden.io.get('input.labels')!)
  const samples = inputIds.map(
    (ids, i): MgLlavaTrainingSample => ({
      inputIds: ids,
      labels: labels[i]!,
      views: [pictures[i] ?? blankView(sight)],
    }),
  )
  const pixels = pictures.map((view) => view.pixels())
  tensors.set('pixel_values', joinTiles(pixels.map(({ low }) => low)))
  const high = joinTiles(pixels.map(({ high }) => high))
  tensors.set('pixel_values_aux_sub', subsample(high, [1, 1, 4, 4]))
  for (const [i, { views }] of samples.entries()) tensors.set(`gt_boxes${i}`, boxRows(views[0]!))

  const merged = mergeMgLlava(samples, sight.tokensPerPicture)
  const shape = [merged.ids.length, merged.ids[0]!.length]
  tensors.set('merged_labels', i64(shape, merged.labels.flat()))
  tensors.set('merged_attention_mask', hostTensor('u8', shape, Uint8Array.from(merged.valid.flat(), Number)))

  const weights = new Weights(model.checkpoint)
  const feeds = mgLlavaTrainingFeeds(samples, model)
  const auxiliary = convNext(weights.at(highTower), input('high', 'f32', high.shape), model.convNext)
  const { concat } = await runOnce({ concat: stagesAtOneSize(auxiliary) }, { high })
  tensors.set('aux_concat_sub', subsample(concat!, [1, 1, 5, 5]))

  const loss = mgLlavaLoss(weights, model)
  const trained = [...weights.read().keys()].filter((key) => golden.io.has(`expected.grad.${key}`))
  const slopes = slopesOf(
    loss,
    trained.map((key) => weights.get(key)),
  )
  const logits = model.decoder.head(weights.at('llm'), tapped(loss, 'decoder.normed'))
  const outputs = {
    loss,
    logits,
    ...Object.fromEntries(trained.map((key, i) => [`grad.${key}`, slopes[i]!])),
  }
  const values = await runOnce(outputs, { ...feeds, ...ofAllTokens(merged, model.decoder) }, withTaps)
  for (const name of ['clip_selected', 'fused', 'projected', 'inputs_embeds', 'logits'])
    tensors.set(name, values[name]!)
  tensors.set('aux_last_feat', values[`stage_${model.convNext.dims.length - 1}`]!)
  for (const [i, { views }] of samples.entries())
    tensors.set(`bbox_feats${i}`, objectRows(values.objects!, i, views[0]!.objects.boxes.length))
  const { layers } = model.decoder
  const hidden = Array.from({ length: layers - 1 }, (_, i) => values[`decoder.hidden_states.${i + 1}`]!)
  tensors.set('hidden_states', stack([values.inputs_embeds!, ...hidden, values['decoder.normed']!]))
  tensors.set('loss', hostTensor('f32', [1], values.loss!.data as Float32Array<ArrayBuffer>))
  for (const key of trained) tensors.set(`grad.${key}`, values[`grad.${key}`]!)
  await stages(tensors, golden, model, feeds)
}

/** The gradients' norm in either stage, and the weights after a step of the first. */
async function stages(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  model: AssembledMgLlava,
  feeds: Record<string, HostTensor>,
): Promise<void> {
  for (const stage of [1, 2] as const) {
    const step = await TrainingStep.compile(model.checkpoint, (w) => mgLlavaLoss(w, model), {
      groups: mgLlavaStages[stage],
      optimizer: adamW(),
      maxNorm: 1,
      compile: { ...withTaps, taps: false },
    })
    const { gradientNorm } = await step.run([feeds], 1e-3)
    tensors.set(`grad_norm_stage${stage}`, f32([1], [gradientNorm]))
    for (const [key, value] of step.state)
      if (stage === 1 && golden.io.has(`expected.stage1_step.${key}`))
        tensors.set(`stage1_step.${key}`, value)
    await step.dispose()
  }
}
