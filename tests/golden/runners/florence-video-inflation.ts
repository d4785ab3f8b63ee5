import { parseConfig } from '../../../src/checkpoint/config.ts'
import { withPrefix } from '../../../src/checkpoint/entries.ts'
import { inflateKernel, inflateSwin } from '../../../src/encoders/inflate-swin.ts'
import { mapOfClip, videoSwin } from '../../../src/encoders/video-swin.ts'
import { videoSwinConfig } from '../../../src/encoders/video-swin-config.ts'
import { concat, conv, reshape, slice } from '../../../src/graph/ops/index.ts'
import { constant, input, type Tensor } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { relativePositions } from '../../../src/nn/windows.ts'
import { type HostTensor, hostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** The inflated weights, the clip tower over them on both clips, and a convolutional embedding inflated likewise. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(videoSwinConfig, golden.json.config['3d'], 'case.json (3d)')
  const inflated = inflateSwin(withPrefix(await caseWeights(golden), 'swin2d.', ''), config)
  const tensors = new Map<string, HostTensor>()
  for (const name of golden.io.keys()) {
    const key = /^expected\.inflated\.(.+)$/.exec(name)?.[1]
    if (!key) continue
    const isIndex = key.endsWith('.relative_position_index')
    tensors.set(name.slice(9), isIndex ? positions(config.window_size) : await inflated.entry(key).read())
  }

  const video = golden.io.get('input.video')!
  const clip = input('clip', 'f32', video.shape)
  const { embedded, stages, last, pooled } = videoSwin(new Weights(inflated), clip, config)
  const maps = { patch_embed: embedded, layer0: stages[0]!, out: last }
  const outputs: Record<string, Tensor> = { pooled }
  for (const [name, tokens] of Object.entries(maps)) outputs[name] = mapOfClip(tokens)
  const values = await runOnce(outputs, { clip: video }, withTaps)
  for (const [name, value] of Object.entries(values)) tensors.set(caseName(name), value)
  for (const [name, value] of tensors) {
    const block = /^layer\d+\.block/.test(name) ? golden.io.get(`expected.${name}`) : undefined
    if (block) tensors.set(name, { ...value, shape: block.shape })
  }

  const short = golden.io.get('input.short_clip')!
  const shortClip = input('clip', 'f32', short.shape)
  const out = mapOfClip(videoSwin(new Weights(inflated), shortClip, config).last)
  tensors.set('out_short_clip', (await runOnce({ out }, { clip: short })).out!)
  for (const [name, value] of await convEmbedding(golden)) tensors.set(name, value)
  return { tensors, checked: tensors.size }
}

/** `layers.0.blocks.1` is the case's `layer0.block1_shifted`. */
function caseName(name: string): string {
  const [, stage, block] = /^layers\.(\d+)\.blocks\.(\d+)$/.exec(name) ?? []
  if (stage === undefined) return name
  return `layer${stage}.block${block}${Number(block) % 2 === 1 ? '_shifted' : ''}`
}

function positions(window: readonly number[]): HostTensor {
  const rows = relativePositions(window)
  return hostTensor('i32', [rows.length, rows.length], Int32Array.from(rows.flat()))
}

/** CoSwin's stem (stride 4, padding 2) with kernel 3, stride 1 and padding 1 over time; on a clip, and in the middle of a still one. */
async function convEmbedding(golden: GoldenCase): Promise<Map<string, HostTensor>> {
  const checkpoint = await caseWeights(golden)
  const kernel = inflateKernel((await checkpoint.entry('conv2d.weight').read()) as HostTensor<'f32'>, 3)
  const bias = new Weights(checkpoint).get('conv2d.bias')
  const sides = { stride: [1, 4, 4], padding: [1, 2, 2], groups: 1 }
  const embed = (clip: Tensor): Tensor => conv(clip, constant(kernel), bias, sides)
  const clip = golden.io.get('input.conv_clip')!
  const image = golden.io.get('input.static_image')!
  const still = input('image', 'f32', image.shape)
  const [B, C, H, W] = image.shape as [number, number, number, number]
  const frame = reshape(still, [B, C, 1, H, W])
  const inner = slice(embed(concat([frame, frame, frame], 2)), 2, 1, 2)
  const outputs = {
    'conv_embed3d.clip': embed(input('clip', 'f32', clip.shape)),
    'conv_embed3d.static_inner': reshape(
      inner,
      inner.shape.filter((_, axis) => axis !== 2),
    ),
  }
  return new Map(Object.entries(await runOnce(outputs, { clip, image })))
}
