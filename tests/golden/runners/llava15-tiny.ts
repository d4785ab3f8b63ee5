import { clipVit } from '../../../src/encoders/clip-vit.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { normalisations } from '../../../src/image/normalise.ts'
import { llavaTiling, llavaTower, tokensPerLlavaTile } from '../../../src/systems/llava-config.ts'
import { layOutLlava } from '../../../src/systems/llava-prepare.ts'
import { llavaVision } from '../../../src/systems/llava-vision.ts'
import type { Picture } from '../../../src/systems/system.ts'
import { type HostTensor, hostTensor, i64, zeros } from '../../../src/tensor/tensor.ts'
import { IMAGE_ID } from '../../../src/text/image-ids.ts'
import { picturesTokens } from '../../../src/tiling/any-res-tokens.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import type { TilePlan } from '../../../src/tiling/plan.ts'
import { planTiles } from '../../../src/tiling/tiling.ts'
import { joinTiles } from '../../../src/train/collate.ts'
import {
  type LlavaTrainingSample,
  llavaFeeds,
  llavaLoss,
  mergeLlava,
} from '../../../src/train/llava-training.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { casePicture } from '../chat.ts'
import {
  greedyMargins,
  llavaConfigs,
  llavaFiles,
  llavaReader,
  ofAllTokens,
  onRealTokens,
  stack,
} from '../llava.ts'
import { caseWeights, rowsOf, runOnce, slopesOf, tapped, withTaps } from '../programs.ts'

interface Seen {
  readonly picture: Picture
  readonly plan: TilePlan
  readonly pixels: HostTensor<'f32'>
}

/** A whole model: pixels, tower, merged batch, hidden states, loss and gradients; then an answer. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const files = await llavaFiles(golden)
  const { config, tower } = llavaConfigs(files)
  const tensors = new Map<string, HostTensor>()
  const seen: Seen[] = []
  for (let i = 0; i < golden.io.get('expected.pixel_values_from_png')!.shape[0]!; i++) {
    const picture = await casePicture(golden, `image${i}.png`)
    const plan = planTiles(picture.image, llavaTiling(config, tower.image_size))
    seen.push({ picture, plan, pixels: tilePixelValues(picture.image, plan, normalisations.clip) })
  }
  tensors.set('pixel_values_from_png', joinTiles(seen.map(({ pixels }) => pixels)))
  await trainingStep(tensors, golden, seen)

  const { sight, reader, dispose } = await llavaReader(files)
  const ids = rowsOf(golden.io.get('input.gen_input_ids')!)[0]!
  const { picture, plan } = seen.at(-1)!
  const prepared = layOutLlava(sight, ids, [picture], [plan], '')
  tensors.set('gen_inputs_embeds', await reader.embed(prepared))
  const count = golden.io.get('expected.gen_ids')!.shape[0]!
  const generated = await greedyMargins(await reader.read([prepared]), count)
  tensors.set('gen_ids', generated.ids)
  tensors.set('gen_margin', generated.margins)
  await dispose()
  return { tensors, checked: tensors.size }
}

/** The batch's pictures go to its placeholders in order; a sample without one gets a picture of zeros. */
function batchSamples(golden: GoldenCase, seen: readonly Seen[], perTile: number): LlavaTrainingSample[] {
  const [inputIds, masks, labels] = ['input_ids', 'attention_mask', 'labels'].map((name) =>
    rowsOf(golden.io.get(`input.${name}`)!),
  ) as [number[][], number[][], number[][]]
  let next = 0
  return inputIds.map((row, i) => {
    const real = (values: readonly number[]): number[] => values.filter((_, t) => masks[i]![t] === 1)
    const count = row.filter((id) => id === IMAGE_ID).length
    const own = seen.slice(next, next + count)
    next += count
    const blank = zeros('f32', seen[0]!.pixels.shape)
    return {
      inputIds: real(row),
      labels: real(labels[i]!),
      pixels: count > 0 ? joinTiles(own.map(({ pixels }) => pixels)) : blank,
      orders: picturesTokens(
        own.map(({ plan }) => plan),
        perTile,
        'flat',
      ),
    }
  })
}

async function trainingStep(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  seen: readonly Seen[],
): Promise<void> {
  const { config, tower, decoder } = llavaConfigs(await llavaFiles(golden))
  const weights = new Weights(await caseWeights(golden))
  const samples = batchSamples(golden, seen, tokensPerLlavaTile(config, tower))
  const feeds = llavaFeeds(samples, config, tower, decoder)

  const pixels = feeds.pixels as HostTensor<'f32'>
  const x = input('pixels', 'f32', pixels.shape)
  const { hiddenStates } = clipVit(weights.at(llavaTower), x, tower)
  const eye = { last: hiddenStates.at(-1)!, tokens: llavaVision(weights, x, config, tower) }
  const values = await runOnce(eye, { pixels }, withTaps)
  tensors.set('vision_selected', values.features!)
  tensors.set('projected', values.tokens!)
  const states = [...hiddenStates.slice(0, -1).map((_, i) => values[`hidden_states.${i}`]!), values.last!]
  tensors.set('vision_hidden_states', stack(states))

  const merged = mergeLlava(samples, config, tokensPerLlavaTile(config, tower))
  const shape = [merged.ids.length, merged.ids[0]!.length]
  tensors.set('merged_labels', i64(shape, merged.labels.flat()))
  tensors.set('merged_attention_mask', hostTensor('u8', shape, Uint8Array.from(merged.valid.flat(), Number)))

  const loss = llavaLoss(weights, config, tower, decoder)
  const trained = [...weights.read().keys()].filter((key) => golden.io.has(`expected.grad.${key}`))
  const slopes = slopesOf(
    loss,
    trained.map((key) => weights.get(key)),
  )
  const logits = decoder.head(weights, tapped(loss, 'decoder.normed'))
  const outputs = {
    loss,
    logits,
    ...Object.fromEntries(trained.map((key, i) => [`grad.${key}`, slopes[i]!])),
  }
  const step = await runOnce(outputs, { ...feeds, ...ofAllTokens(merged, decoder) }, withTaps)
  tensors.set('inputs_embeds', step.inputs_embeds!)
  const hidden = Array.from({ length: decoder.layers - 1 }, (_, i) => step[`decoder.hidden_states.${i + 1}`]!)
  const languageStates = stack([step.inputs_embeds!, ...hidden, step['decoder.normed']!])
  tensors.set('hidden_states', onRealTokens(golden, 'hidden_states', languageStates, merged.valid))
  tensors.set('logits', onRealTokens(golden, 'logits', step.logits!, merged.valid))
  tensors.set('loss', hostTensor('f32', [1], step.loss!.data as Float32Array<ArrayBuffer>))
  for (const key of trained) tensors.set(`grad.${key}`, step[`grad.${key}`]!)
}
