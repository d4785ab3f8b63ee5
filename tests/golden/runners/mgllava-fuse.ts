import { boxesToFeatures, featuresToBoxes } from '../../../src/fusion/box-attention.ts'
import {
  channelConcat,
  convConcat,
  convGate,
  convSequence,
  gateConcat,
} from '../../../src/fusion/conv-gate.ts'
import { patchInfoMining } from '../../../src/fusion/patch-info-mining.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { type ResamplerConfig, resampler } from '../../../src/projectors/resampler.ts'
import { type HostTensor, hostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** Conv-Gate and every alternative, on the same features; boxes of all samples are padded to one number. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const w = new Weights(await caseWeights(golden))
  const given = (name: string): HostTensor => golden.io.get(`input.${name}`)!
  const boxes = paddedBoxes(golden)
  const feeds = {
    low: given('low_res_feat'),
    high: given('high_res_feat'),
    aux: given('aux_concat'),
    boxes: boxes.features,
    isBox: boxes.isBox,
  }
  const symbolic = (name: keyof typeof feeds) => input(name, feeds[name].dtype, feeds[name].shape)
  const [low, high, aux, boxRows] = [symbolic('low'), symbolic('high'), symbolic('aux'), symbolic('boxes')]
  const fused = convGate(w.at('conv_gate'), low, high)
  const both = convSequence(w.at('resampler_fuse'), low, high)
  const outputs = {
    conv_gate: fused,
    gate_concat: gateConcat(w.at('gate_concat'), low, high),
    conv_concat: convConcat(w.at('conv_concat'), low, high),
    channel_concat: channelConcat(low, high),
    patch_info_mining: patchInfoMining(w.at('patch_info_mining'), low, aux),
    b_to_f: boxesToFeatures(w.at('b_to_f'), boxRows, low),
    f_to_b: featuresToBoxes(w.at('f_to_b'), fused, boxRows, symbolic('isBox')),
    resampler_fuse: both,
    resampler: resampler(w.at('resampler'), both, golden.json.config.resampler as ResamplerConfig),
  }
  const { b_to_f, ...values } = await runOnce(outputs, feeds)
  const tensors = new Map<string, HostTensor>(Object.entries(values))
  boxes.counts.forEach((count, sample) => {
    tensors.set(`b_to_f${sample}`, firstRows(b_to_f!, sample, count))
  })
  const slow = await runOnce({ conv_gate: fused }, { low: feeds.low, high: feeds.high }, withTaps)
  tensors.set('conv_gate_high', slow['fusion.high']!)
  const mined = await runOnce({ x: outputs.patch_info_mining }, { low: feeds.low, aux: feeds.aux }, withTaps)
  tensors.set('patch_info_mining_delta', mined['fusion.mined']!)
  return { tensors, checked: tensors.size }
}

function paddedBoxes({ io }: GoldenCase): { features: HostTensor; isBox: HostTensor; counts: number[] } {
  const samples: HostTensor[] = []
  for (let i = 0; io.has(`input.box_feats${i}`); i++) samples.push(io.get(`input.box_feats${i}`)!)
  const counts = samples.map(({ shape }) => shape[0]!)
  const [B, n, A] = [samples.length, Math.max(...counts), samples[0]!.shape[1]!]
  const features = new Float32Array(B * n * A)
  const isBox = new Uint8Array(B * n)
  samples.forEach(({ data }, sample) => {
    features.set(data as Float32Array, sample * n * A)
    isBox.fill(1, sample * n, sample * n + counts[sample]!)
  })
  return {
    features: hostTensor('f32', [B, n, A], features),
    isBox: hostTensor('bool', [B, n], isBox),
    counts,
  }
}

/** [B, n, A] → the first `count` rows of a sample. */
function firstRows({ shape, data }: HostTensor, sample: number, count: number): HostTensor {
  const [, n, A] = shape as [number, number, number]
  const start = sample * n * A
  return hostTensor('f32', [count, A], (data as Float32Array<ArrayBuffer>).slice(start, start + count * A))
}
