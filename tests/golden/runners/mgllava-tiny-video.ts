import { readFile } from 'node:fs/promises'
import { recordBoxes } from '../../../src/detectors/box-file.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { rgbImage } from '../../../src/image/rgb-image.ts'
import { compileMgLlava } from '../../../src/systems/mg-llava.ts'
import { sampledFrames } from '../../../src/systems/mgllava-frames.ts'
import { frameViews, layOutMgLlava, type MgLlavaView } from '../../../src/systems/mgllava-prepare.ts'
import { PromptReader } from '../../../src/systems/prompt-reader.ts'
import type { Picture } from '../../../src/systems/system.ts'
import { f32, type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { IMAGE_ID } from '../../../src/text/image-ids.ts'
import { joinTiles } from '../../../src/train/collate.ts'
import { mergeMgLlava, mgLlavaLoss, mgLlavaTrainingFeeds } from '../../../src/train/mgllava-training.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { greedyMargins } from '../llava.ts'
import { assembledCase, boxRows, objectRows } from '../mgllava.ts'
import { readPrompt, rowsOf, runOnce, withTaps } from '../programs.ts'
import { subsample } from '../subsample.ts'

/** A video's frames and their boxes, cropped and padded; the model on the cropped ones; a labelled sample. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const model = await assembledCase(golden)
  const { sight, reader, vision } = await compileMgLlava(model, { compile: withTaps })
  const tensors = new Map<string, HostTensor>()
  const frames = framesOf(golden.io.get('input.frames')!)
  const chosen = sampledFrames(frames.length, sight.config.num_frames)
  tensors.set('frame_index', i64([chosen.length], chosen))
  const boxes = await frameBoxes(golden)
  const pictures = chosen.map((index) => frames[index]!)
  for (const [name, padsToSquare] of [
    ['crop', false],
    ['pad', true],
  ] as const) {
    const config = { ...sight.config, video_pad_image_to_square: padsToSquare }
    const seen = frameViews({ ...sight, config }, pictures, boxes)
    tensors.set(`${name}_pixel_values`, channelsFirst(joinTiles(seen.map((view) => view.pixels().low))))
    const high = channelsFirst(joinTiles(seen.map((view) => view.pixels().high)))
    tensors.set(`${name}_aux_sub`, subsample(high, [1, 1, 6, 6]))
    for (const [j, view] of seen.entries()) tensors.set(`${name}_boxes${j}`, boxRows(view))
  }

  const views = frameViews(sight, pictures, boxes)
  const ids = rowsOf(golden.io.get('input.input_ids')!)[0]!.map((id) => (id === VIDEO_ID ? IMAGE_ID : id))
  await labelledSample(tensors, golden, ids, views, model, sight.tokensPerPicture)

  const prepared = layOutMgLlava(sight, ids, views, [views.length], '')
  const prompts = new PromptReader(reader)
  const embeddings = await prompts.embed(prepared)
  tensors.set('inputs_embeds', embeddings)
  const { logits } = await readPrompt(reader.programs, embeddings)
  const [, T, V] = logits.shape as [number, number, number]
  const last = (logits.data as Float32Array<ArrayBuffer>).slice((T - 12) * V)
  tensors.set('logits_last12', hostTensor('f32', [1, 12, V], last))
  const count = golden.io.get('expected.gen_ids')!.shape[0]!
  const generated = await greedyMargins(await prompts.read([prepared]), count)
  tensors.set('gen_ids', generated.ids)
  tensors.set('gen_margin', generated.margins)
  await vision.dispose()
  await reader.programs.dispose()
  return { tensors, checked: tensors.size }
}

/** What stands for a video among the official ids. */
const VIDEO_ID = -201

async function labelledSample(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  inputIds: readonly number[],
  views: readonly MgLlavaView[],
  model: Awaited<ReturnType<typeof assembledCase>>,
  tokensPerPicture: number,
): Promise<void> {
  const labels = rowsOf(golden.io.get('input.labels')!)[0]!
  const samples = [{ inputIds: [...inputIds], labels, views }]
  const merged = mergeMgLlava(samples, tokensPerPicture)
  tensors.set('merged_labels', i64([1, merged.labels[0]!.length], merged.labels.flat()))
  const loss = mgLlavaLoss(new Weights(model.checkpoint), model)
  const values = await runOnce({ loss }, mgLlavaTrainingFeeds(samples, model), withTaps)
  tensors.set('loss', f32([1], [Number(values.loss!.data[0])]))
  tensors.set('fused', values.fused!)
  for (const [j, { objects }] of views.entries())
    tensors.set(`bbox_feats${j}`, objectRows(values.objects!, j, objects.boxes.length))
}

/** [F, H, W, 3] bytes → pictures. */
function framesOf(frames: HostTensor): Picture[] {
  const [F, H, W] = frames.shape as [number, number, number]
  const bytes = frames.data as Uint8Array
  return Array.from({ length: F }, (_, i) => ({
    name: `frame ${i}`,
    image: rgbImage(W, H, bytes.slice(i * H * W * 3, (i + 1) * H * W * 3)),
  }))
}

async function frameBoxes(golden: GoldenCase) {
  const [video] = JSON.parse(await readFile(golden.file('boxes.json'), 'utf8')) as [{ frames: unknown[] }]
  return video.frames.map((frame, j) => recordBoxes(frame, `frame ${j}`))
}

/** [F, 3, S, S] → [3, F, S, S], as the official code holds a clip. */
function channelsFirst(clip: HostTensor<'f32'>): HostTensor<'f32'> {
  const [F, C, H, W] = clip.shape as [number, number, number, number]
  const data = new Float32Array(clip.data.length)
  for (let f = 0; f < F; f++)
    for (let c = 0; c < C; c++)
      data.set(clip.data.subarray((f * C + c) * H * W, (f * C + c + 1) * H * W), (c * F + f) * H * W)
  return hostTensor('f32', [C, F, H, W], data)
}
