import { parseConfig } from '../../src/checkpoint/config.ts'
import { memorySource } from '../../src/checkpoint/memory.ts'
import type { Decoder } from '../../src/decoders/decoder.ts'
import { decoderOf } from '../../src/decoders/registry.ts'
import { type ClipVisionConfig, clipVisionConfig } from '../../src/encoders/clip-config.ts'
import { type LlavaConfig, languageArchitecture, llavaConfig } from '../../src/systems/llava-config.ts'
import type { LlavaSight } from '../../src/systems/llava-prepare.ts'
import { compileLlava } from '../../src/systems/llava15.ts'
import type { ModelFiles } from '../../src/systems/model-files.ts'
import { PromptReader } from '../../src/systems/prompt-reader.ts'
import type { DecodingState } from '../../src/systems/system.ts'
import { type HostTensor, hostTensor, i64 } from '../../src/tensor/tensor.ts'
import { causalTargets } from '../../src/train/causal-loss.ts'
import { decoderGraphInputs } from '../../src/train/decoder-graph.ts'
import type { VisualBatch } from '../../src/train/visual-loss.ts'
import type { GoldenCase } from './case.ts'
import { caseWeights, withTaps } from './programs.ts'

/** A tiny model of a case: its configuration read as a checkpoint's, and its weights. */
export async function llavaFiles(golden: GoldenCase): Promise<ModelFiles> {
  const config = { architectures: ['LlavaLlamaForCausalLM'], ...golden.json.config }
  const source = memorySource(golden.kind, new Map())
  return { source, checkpoint: await caseWeights(golden), config }
}

/** The parts of a case's configuration. */
export function llavaConfigs({ config }: ModelFiles): {
  config: LlavaConfig
  tower: ClipVisionConfig
  decoder: Decoder
} {
  const own = parseConfig(llavaConfig, config, 'case.json')
  const tower = parseConfig(clipVisionConfig, own.clip_vision_config, 'case.json')
  const architectures = own.architectures.map(languageArchitecture)
  return { config: own, tower, decoder: decoderOf({ ...(config as object), architectures }, 'case.json') }
}

/** A case's model as generation drives it, without a tokenizer. */
export async function llavaReader(files: ModelFiles): Promise<{
  sight: LlavaSight
  reader: PromptReader
  parts: Awaited<ReturnType<typeof compileLlava>>['reader']
  dispose(): Promise<void>
}> {
  const { sight, reader, vision } = await compileLlava(files, { compile: withTaps })
  const dispose = async (): Promise<void> => {
    await vision.dispose()
    await reader.programs.dispose()
  }
  return { sight, reader: new PromptReader(reader), parts: reader, dispose }
}

/** Greedy ids of a state with one row, [n], and by how much each one's logit is above the next, [n]. */
export async function greedyMargins(
  state: DecodingState,
  count: number,
): Promise<{ ids: HostTensor; margins: HostTensor }> {
  const ids: number[] = []
  const margins = new Float32Array(count)
  for (let step = 0; step < count; step++) {
    const sorted = [...state.logits.data.entries()].sort(([, a], [, b]) => b - a)
    const [[best, high], [, next]] = sorted as [[number, number], [number, number]]
    ids.push(best)
    margins[step] = high - next
    if (step < count - 1) await state.step([best])
  }
  return { ids: i64([count], ids), margins: hostTensor('f32', [count], margins) }
}

/**
 * A value [..., B, T, C] with the recorded one at padding: the case compares only real tokens, and what the official
 * code leaves at padding is meaningless.
 */
export function onRealTokens(
  golden: GoldenCase,
  name: string,
  value: HostTensor,
  valid: readonly (readonly boolean[])[],
): HostTensor {
  const real = valid.flat()
  const width = value.shape.at(-1)!
  const recorded = golden.io.get(`expected.${name}`)!.data as Float32Array
  const data = (value.data as Float32Array).map((x, i) =>
    real[Math.floor(i / width) % real.length] ? x : recorded[i]!,
  )
  return hostTensor('f32', value.shape, data)
}

/** Inputs in place of those that leave out what nothing is learned from: a case records the states of all tokens. */
export function ofAllTokens(
  { labels, valid, positions }: VisualBatch,
  decoder: Decoder,
): Record<string, HostTensor> {
  return { ...causalTargets(labels), ...decoderGraphInputs(decoder, valid, 0, positions) }
}

/** Tensors of one shape along a new first axis. */
export function stack(parts: readonly HostTensor[]): HostTensor {
  const [{ shape }] = parts as [HostTensor, ...HostTensor[]]
  const joined = new Float32Array(parts.flatMap((part) => [...(part.data as Float32Array)]))
  return hostTensor('f32', [parts.length, ...shape], joined)
}
