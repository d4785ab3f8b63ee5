import { readFile } from 'node:fs/promises'
import { parseConfig } from '../../src/checkpoint/config.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import { decoderOf } from '../../src/decoders/registry.ts'
import { Weights } from '../../src/graph/weights.ts'
import { asPillow, decodeImage } from '../../src/image/decode.ts'
import { normalisations } from '../../src/image/normalise.ts'
import { filledImage } from '../../src/image/rgb-image.ts'
import { internVlConfig, tokensPerTile } from '../../src/systems/internvl-config.ts'
import { openSystem } from '../../src/systems/registry.ts'
import type { DecodingState, Picture, System } from '../../src/systems/system.ts'
import { type HostTensor, hostTensor, i64 } from '../../src/tensor/tensor.ts'
import { labelConversation, type SampleMessage, withPlaceholder } from '../../src/text/labels.ts'
import { loadTokenizer } from '../../src/text/load-tokenizer.ts'
import { PICTURE_TOKENS } from '../../src/text/picture-tokens.ts'
import { conversationTemplate } from '../../src/text/templates.ts'
import { tilePixelValues } from '../../src/tiling/pixel-values.ts'
import { planTiles, type TilingOptions } from '../../src/tiling/tiling.ts'
import { type Batch, collate, joinTiles, type Sample } from '../../src/train/collate.ts'
import { internVlFeeds, internVlLoss } from '../../src/train/internvl-training.ts'
import type { GoldenCase } from './case.ts'
import { caseWeights, onCpu, runOnce, slopesOf, withTaps } from './programs.ts'

/** The system that a case's configuration describes, from its weights and the files below tokenizer/. */
export async function caseSystem(golden: GoldenCase): Promise<System> {
  const source = await folderSource(golden.file('tokenizer'))
  const files = { source, checkpoint: await caseWeights(golden), config: golden.json.config }
  return openSystem(files, { compile: withTaps })
}

export async function casePicture(golden: GoldenCase, name: string): Promise<Picture> {
  const { image } = await decodeImage(golden.file(name), asPillow)
  return { name, image }
}

/**
 * Greedy ids of every row until its stop id (then the pad id), [B, n], and the logits that chose them [B, n, V].
 */
export async function greedyAnswer(
  system: System,
  state: DecodingState,
  most: number,
): Promise<{ ids: HostTensor; scores: HostTensor; rows: number[][] }> {
  const [B, V] = state.logits.shape as [number, number]
  const rows = Array.from({ length: B }, (): number[] => [])
  const scores: Float32Array[] = []
  const hasStopped = (row: readonly number[]): boolean => row.some((id) => system.stopIds.includes(id))
  while (rows[0]!.length < most && !rows.every(hasStopped)) {
    scores.push(state.logits.data.slice())
    const next = rows.map((row, b) => {
      if (hasStopped(row)) return system.tokenizer.padId!
      const logits = state.logits.data.subarray(b * V, (b + 1) * V)
      return logits.indexOf(logits.reduce((high, value) => Math.max(high, value)))
    })
    rows.forEach((row, b) => {
      row.push(next[b]!)
    })
    await state.step(next)
  }
  const count = rows[0]!.length
  const data = new Float32Array(B * count * V)
  scores.forEach((step, t) => {
    for (let b = 0; b < B; b++) data.set(step.subarray(b * V, (b + 1) * V), (b * count + t) * V)
  })
  return { ids: i64([B, count], rows.flat()), scores: hostTensor('f32', [B, count, V], data), rows }
}

/** The answer of a row of ids, as chat() gives it. */
export function answerText(system: System, ids: readonly number[]): string {
  const text = system.tokenizer.decode(ids, { skipSpecial: true })
  return text.split(system.stopTexts[0]!)[0]!.trim()
}

interface TrainingLine {
  readonly image?: string | string[]
  readonly conversations: SampleMessage[]
}

export interface TrainingOptions {
  /** How each picture is cut, given how many pictures its sample has. */
  readonly tiling: (pictures: number) => TilingOptions
  /** Which weights are trained. */
  readonly isTrained: (key: string) => boolean
}

/** The batch of train.jsonl, its loss and gradients, under the names of the case. */
export async function trainingTensors(
  golden: GoldenCase,
  options: TrainingOptions,
): Promise<Map<string, HostTensor>> {
  const config = parseConfig(internVlConfig, golden.json.config, 'case.json')
  const decoder = decoderOf(config.llm_config, 'case.json')
  const tokenizer = await loadTokenizer(await folderSource(golden.file('tokenizer')))
  const lines = (await readFile(golden.file('train.jsonl'), 'utf8')).trim().split('\n')
  const samples: Sample[] = []
  for (const line of lines) {
    const { image = [], conversations } = JSON.parse(line) as TrainingLine
    const names = [image].flat()
    const parts: HostTensor<'f32'>[] = []
    for (const name of names) {
      const picture = await casePicture(golden, name)
      const plan = planTiles(picture.image, { ...options.tiling(names.length), tileSize: config.tileSize })
      parts.push(tilePixelValues(picture.image, plan, normalisations.imagenet))
    }
    // A text-only sample carries one blank white tile that no placeholder stands for.
    const blank = filledImage(224, 224, [255, 255, 255])
    const single = planTiles(blank, { strategy: 'single', tileSize: config.tileSize })
    const pixels =
      parts.length > 0 ? joinTiles(parts) : tilePixelValues(blank, single, normalisations.imagenet)
    const labelled = labelConversation(
      conversationTemplate(config.template),
      names.length > 0 ? withPlaceholder(conversations) : conversations,
      tokenizer,
      { pictureTokens: parts.map((part) => part.shape[0]! * tokensPerTile(config)), maxLength: 8192 },
    )
    samples.push({ ...labelled, pixels, hasPictures: names.length > 0 })
  }
  const batch = collate(samples)
  const tensors = batchTensors(samples, batch)

  const weights = new Weights(await caseWeights(golden))
  const loss = internVlLoss(weights, config, decoder)
  const trained = [...weights.read().keys()].filter(options.isTrained).sort()
  const slopes = slopesOf(
    loss,
    trained.map((key) => weights.get(key)),
  )
  const outputs = { loss, ...Object.fromEntries(trained.map((key, i) => [`grad.${key}`, slopes[i]!])) }
  const feeds = internVlFeeds(batch, config, decoder, tokenizer.idOf(PICTURE_TOKENS.context)!)
  const values = await runOnce(outputs, feeds, onCpu)
  tensors.set('train.loss', values.loss!)
  const norms = trained.map((key) => {
    const value = values[`grad.${key}`]!
    tensors.set(`grad.${key}`, value)
    return Math.sqrt((value.data as Float32Array).reduce((sum, x) => sum + x * x, 0))
  })
  tensors.set('grad.norms', hostTensor('f32', [norms.length], Float32Array.from(norms)))
  return tensors
}

function batchTensors(samples: readonly Sample[], batch: Batch): Map<string, HostTensor> {
  const rows = (values: readonly (readonly number[])[]): HostTensor =>
    i64([values.length, values[0]!.length], values.flat())
  const [N, C, H, W] = batch.pixels.shape as [number, number, number, number]
  const means = Float32Array.from({ length: N * C }, (_, i) => {
    const channel = batch.pixels.data.subarray(i * H * W, (i + 1) * H * W)
    return channel.reduce((sum, x) => sum + x, 0) / channel.length
  })
  return new Map<string, HostTensor>([
    ['train.input_ids', rows(batch.ids)],
    ['train.labels', rows(batch.labels)],
    ['train.attention_mask', rows(batch.attentionMask)],
    ['train.position_ids', rows(batch.positions)],
    ['train.image_flags', i64([batch.imageFlags.length], batch.imageFlags)],
    [
      'train.num_tiles',
      i64(
        [samples.length],
        samples.map((sample) => sample.pixels.shape[0]!),
      ),
    ],
    ['train.pixel_mean', hostTensor('f32', [N, C], means)],
  ])
}
