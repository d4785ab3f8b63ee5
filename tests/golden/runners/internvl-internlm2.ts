import type { Checkpoint } from '../../../src/checkpoint/checkpoint.ts'
import { DecoderPrograms } from '../../../src/decoders/programs.ts'
import { decoderOf } from '../../../src/decoders/registry.ts'
import { RotaryState } from '../../../src/decoders/rope.ts'
import { dim } from '../../../src/graph/dim.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { causalLoss, causalTargets, labelledLogits } from '../../../src/train/causal-loss.ts'
import { decoderGraphInputs, decoderStates } from '../../../src/train/decoder-graph.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import {
  caseWeights,
  greedy,
  readPrompt,
  rowsOf,
  runOnce,
  slopesOf,
  withShape,
  withTaps,
} from '../programs.ts'

/** The decoder alone: padding, cache, rotary variants and their state, loss and gradients. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const tensors = new Map<string, HostTensor>()
  const checkpoint = await caseWeights(golden)
  const rows = rowsOf(golden.io.get('input.input_ids')!)
  const long = rowsOf(golden.io.get('input.long_ids')!)
  const single = [rows[1]!]

  const programs = await compile(golden, checkpoint, {})
  await plain(tensors, programs, single)
  await padded(tensors, programs, rows, rowsOf(golden.io.get('input.attention_mask')!))
  // One rotary object for two prompts is the official model object kept between them.
  const rotary = new RotaryState(programs.decoder.rope)
  tensors.set('long.logits', await logitsOf(programs, long, rotary))
  tensors.set('after_long.logits', await logitsOf(programs, single, rotary))
  await crossing(tensors, programs, long, golden.io.get('expected.cross.greedy')!.shape[1]!)
  await programs.dispose()

  const linear = await compile(golden, checkpoint, { rope_scaling: { type: 'linear', factor: 3 } })
  tensors.set('linear.logits', await logitsOf(linear, single))
  await linear.dispose()
  const unscaled = await compile(golden, checkpoint, { rope_scaling: null })
  tensors.set('norope.long.logits', await logitsOf(unscaled, long))
  await unscaled.dispose()

  await training(tensors, golden, checkpoint, rows)
  return { tensors, checked: tensors.size }
}

function compile(golden: GoldenCase, checkpoint: Checkpoint, changes: object): Promise<DecoderPrograms> {
  const decoder = decoderOf({ ...golden.json.config, ...changes }, 'case.json')
  return DecoderPrograms.compile(decoder, new Weights(checkpoint), { compile: withTaps })
}

async function logitsOf(
  programs: DecoderPrograms,
  ids: number[][],
  rotary?: RotaryState,
): Promise<HostTensor> {
  const { logits } = await readPrompt(programs, await programs.embed(ids), rotary ? { rotary } : {})
  return logits
}

async function plain(
  tensors: Map<string, HostTensor>,
  programs: DecoderPrograms,
  ids: number[][],
): Promise<void> {
  const embeddings = await programs.embed(ids)
  const { sequence, logits, normed, taps } = await readPrompt(programs, embeddings)
  tensors.set('plain.hidden_states.0', embeddings)
  for (const [name, value] of Object.entries(taps)) tensors.set(`plain.${name}`, value)
  tensors.set(`plain.hidden_states.${programs.decoder.layers}`, normed)
  tensors.set('plain.past_key.0', held(sequence.cache.key(0).tensor, sequence.length))
  tensors.set('plain.past_value.0', held(sequence.cache.value(0).tensor, sequence.length))
  tensors.set('plain.logits', logits)
}

/** The filled cells of a cache. [1, kv, capacity, D] → [1, kv, length, D]. */
function held(cells: HostTensor, length: number): HostTensor {
  const [B, heads, capacity, size] = cells.shape as [number, number, number, number]
  const data = new Float32Array(B * heads * length * size)
  for (let head = 0; head < B * heads; head++) {
    const from = head * capacity * size
    data.set((cells.data as Float32Array).subarray(from, from + length * size), head * length * size)
  }
  return hostTensor('f32', [B, heads, length, size], data)
}

async function padded(
  tensors: Map<string, HostTensor>,
  programs: DecoderPrograms,
  ids: number[][],
  mask: number[][],
): Promise<void> {
  const padding = mask.map((row) => row.indexOf(1))
  const { sequence, logits } = await readPrompt(programs, await programs.embed(ids), { padding })
  tensors.set(
    'padded.position_ids',
    i64([ids.length, ids[0]!.length], sequence.positions(0, ids[0]!.length).flat()),
  )
  tensors.set('padded.logits', logits)
  tensors.set('padded.greedy', (await greedy(sequence, logits, 12)).ids)
}

/** Generation across the limit at which the dynamic base grows: the prompt is six tokens short of it. */
async function crossing(
  tensors: Map<string, HostTensor>,
  programs: DecoderPrograms,
  long: number[][],
  count: number,
): Promise<void> {
  const prompt = [long[0]!.slice(0, programs.decoder.rope.maxPositions - 6)]
  const { sequence, logits } = await readPrompt(programs, await programs.embed(prompt))
  const { ids, scores } = await greedy(sequence, logits, count)
  tensors.set('cross.greedy', ids)
  tensors.set('cross.scores', scores)
}

async function training(
  tensors: Map<string, HostTensor>,
  golden: GoldenCase,
  checkpoint: Checkpoint,
  ids: number[][],
): Promise<void> {
  const decoder = decoderOf(golden.json.config, 'case.json')
  const w = new Weights(checkpoint)
  const [B, T] = [dim('B'), dim('T')]
  const states = decoderStates(decoder, w, decoder.embed(w, input('ids', 'i64', [B, T])))
  const loss = causalLoss(labelledLogits(states, (rows) => decoder.head(w, rows)))
  const names = [...golden.io.keys()].filter((n) => n.startsWith('expected.grad.')).map((n) => n.slice(14))
  const slopes = slopesOf(
    loss,
    names.map((name) => w.get(name)),
  )
  const valid = rowsOf(golden.io.get('input.attention_mask')!).map((row) => row.map(Boolean))
  const values = await runOnce(
    { loss, ...Object.fromEntries(names.map((name, i) => [`grad.${name}`, slopes[i]!])) },
    {
      ids: i64([ids.length, ids[0]!.length], ids.flat()),
      ...causalTargets(rowsOf(golden.io.get('input.labels')!)),
      ...decoderGraphInputs(decoder, valid),
    },
  )
  tensors.set('train.loss', withShape(values.loss!, []))
  for (const name of names) tensors.set(`grad.${name}`, values[`grad.${name}`]!)
}
