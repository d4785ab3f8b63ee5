import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import { openFile } from '../../src/checkpoint/open.ts'
import type { DecoderPrograms } from '../../src/decoders/programs.ts'
import { DecoderSequence, type SequenceOptions } from '../../src/decoders/sequence.ts'
import { gradients } from '../../src/graph/gradient.ts'
import { type Tensor, tapName, topologicalOrder } from '../../src/graph/tensor.ts'
import { chooseEngine } from '../../src/runtime/default-engine.ts'
import type { NamedTensors } from '../../src/runtime/engine.ts'
import { type CompileOptions, Program } from '../../src/runtime/program.ts'
import { type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'
import type { GoldenCase } from './case.ts'

export const onCpu: CompileOptions = { engine: await chooseEngine(), device: 'cpu' }
export const withTaps: CompileOptions = { ...onCpu, taps: true }

/** The case's weights.safetensors. */
export async function caseWeights(golden: GoldenCase): Promise<Checkpoint> {
  return openFile(await folderSource(golden.folder), 'weights.safetensors')
}

/** Compiles, runs once and disposes. */
export async function runOnce(
  outputs: Record<string, Tensor>,
  feeds: NamedTensors,
  compile: CompileOptions = onCpu,
): Promise<NamedTensors> {
  const program = await Program.compile('golden', outputs, compile)
  try {
    return await program.run(feeds)
  } finally {
    await program.dispose()
  }
}

/** The loss's gradients, with layers computed a second time where `--recompute` asks for it. */
export function slopesOf(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return gradients(loss, wrt, { recompute: process.env.PANOPTES_GOLDEN_RECOMPUTE ? 'layers' : undefined })
}

/** The value below `output` that model code named with `tap`. */
export function tapped(output: Tensor, name: string): Tensor {
  return topologicalOrder([output]).find((x) => tapName(x) === name)!
}

/** An integer tensor's values, row by row. */
export function rowsOf(tensor: HostTensor): number[][] {
  const width = tensor.shape.at(-1)!
  const values = Array.from(tensor.data as ArrayLike<number | bigint>, Number)
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width))
}

/** The same values in another shape. */
export function withShape<T extends HostTensor>(tensor: T, shape: readonly number[]): T {
  return { ...tensor, shape }
}

/** A decoder's outputs for whole prompts, through the programs that generation uses. */
export async function readPrompt(
  programs: DecoderPrograms,
  embeddings: HostTensor<'f32'>,
  options: SequenceOptions = {},
): Promise<{ sequence: DecoderSequence; logits: HostTensor; normed: HostTensor; taps: NamedTensors }> {
  const sequence = new DecoderSequence(programs, { batch: embeddings.shape[0]!, ...options })
  const { hidden, taps } = await sequence.extend(embeddings)
  const [B, T, H] = hidden.shape as [number, number, number]
  const { logits, normed } = await programs.logits(withShape(hidden, [B * T, H]))
  return {
    sequence,
    logits: withShape(logits, [B, T, logits.shape[1]!]),
    normed: withShape(normed, [B, T, H]),
    taps,
  }
}

/** Greedy decoding after a prompt: ids [B, n] and the logits that chose them [B, n, V]. Stops only by count. */
export async function greedy(
  sequence: DecoderSequence,
  promptLogits: HostTensor,
  count: number,
): Promise<{ ids: HostTensor; scores: HostTensor }> {
  const [B, T, V] = promptLogits.shape as [number, number, number]
  const ids = Array.from({ length: B }, (): number[] => [])
  const scores = new Float32Array(B * count * V)
  let rows = Array.from({ length: B }, (_, b) =>
    (promptLogits.data as Float32Array).subarray((b * T + T - 1) * V, (b * T + T) * V),
  )
  for (let step = 0; step < count; step++) {
    rows.forEach((row, b) => {
      scores.set(row, (b * count + step) * V)
      ids[b]!.push(row.indexOf(row.reduce((most, value) => Math.max(most, value))))
    })
    if (step === count - 1) break
    const { hidden } = await sequence.extend(await sequence.programs.embed(ids.map((row) => [row.at(-1)!])))
    const { logits } = await sequence.programs.logits(withShape(hidden, [B, hidden.shape[2]!]))
    rows = Array.from({ length: B }, (_, b) => logits.data.subarray(b * V, (b + 1) * V))
  }
  return {
    ids: hostTensor('i64', [B, count], BigInt64Array.from(ids.flat(), BigInt)),
    scores: hostTensor('f32', [B, count, V], scores),
  }
}

/** The id of the image context token, which a tiny model without tokenizer tells only in its descriptions. */
export function contextIdOf(golden: GoldenCase): number {
  const found = /(\d+) = image context|img_context_token_id = (\d+)/.exec(JSON.stringify(golden.json))
  if (!found) throw new Error('case.json does not say which id is the image context')
  return Number(found[1] ?? found[2])
}
