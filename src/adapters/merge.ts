import type { Checkpoint, WeightEntry } from '../checkpoint/checkpoint.ts'
import { replaceWeights } from '../checkpoint/entries.ts'
import { nearestKeys } from '../checkpoint/nearest.ts'
import { add, matmul, mul } from '../graph/ops/index.ts'
import { input } from '../graph/tensor.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { toFloat32 } from '../tensor/half.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Adapter, LoraPair } from './adapter.ts'
import { problemList } from './problem-list.ts'

/** The engine that multiplies pairs out. */
export type MergeEngine = Pick<CompileOptions, 'engine' | 'device' | 'threads'>

/**
 * A checkpoint with an adapter's changes: its whole weights in the place of the checkpoint's, and every linear layer
 * with a pair as W + scale·B·A in float32, computed when it is read.
 * @throws CheckpointError `adapter-misfit`, which names every key that does not fit
 */
export function mergeAdapter(checkpoint: Checkpoint, adapter: Adapter, engine: MergeEngine): Checkpoint {
  requireFit(checkpoint, adapter)
  return replaceWeights(
    checkpoint,
    new Map([...adapter.weights, ...mergedWeights(checkpoint, adapter, engine)]),
  )
}

/** The merged matrices alone, by key. */
export function mergedWeights(
  checkpoint: Checkpoint,
  { pairs }: Pick<Adapter, 'pairs'>,
  engine: MergeEngine,
): Map<string, WeightEntry> {
  return new Map(
    [...pairs].map(([module, pair]) => {
      const key = `${module}.weight`
      return [key, mergedWeight(checkpoint.entry(key), pair, engine)]
    }),
  )
}

function mergedWeight(base: WeightEntry, { a, b, scale }: LoraPair, engine: MergeEngine): WeightEntry {
  const { key, shape } = base
  return {
    ...{ key, shape, dtype: 'f32' },
    computed: { how: `lora merged with scale ${scale}`, from: [base, a, b] },
    read: () => multiplyOut(base, { a, b, scale }, engine),
  }
}

/** W + scale·(B·A), in peft's order of operations. One weight is in memory, and its program as long as it runs. */
async function multiplyOut(
  base: WeightEntry,
  { a, b, scale }: LoraPair,
  { engine, device, threads }: MergeEngine,
): Promise<HostTensor<'f32'>> {
  const operands = { w: base, a, b }
  const [w, left, right] = (['w', 'b', 'a'] as const).map((name) => input(name, 'f32', operands[name].shape))
  const outputs = { merged: add(w!, mul(matmul(left!, right!), scale)) }
  // Where there is a processor to compute on, a merged weight is not sent to another device and back.
  const near = engine.devices.find((name) => name === 'cpu' || name === 'wasm') ?? device
  const program = await Program.compile('merge', outputs, { engine, device: near, threads })
  try {
    const feeds: Record<string, HostTensor> = {}
    for (const [name, entry] of Object.entries(operands)) feeds[name] = toFloat32(await entry.read())
    return (await program.run(feeds)).merged as HostTensor<'f32'>
  } finally {
    await program.dispose()
  }
}

function requireFit(checkpoint: Checkpoint, { name, pairs, weights }: Adapter): void {
  const problems: string[] = []
  const keys = checkpoint.keys()
  const shapeOf = (key: string, change: string): string | undefined => {
    if (checkpoint.has(key)) return checkpoint.entry(key).shape.join(', ')
    const nearest = nearestKeys(key, keys)
    const hint = nearest.length > 0 ? `; the nearest there are ${nearest.join(', ')}` : ''
    problems.push(`${change} is for ${key}, which is not there${hint}`)
    return undefined
  }
  for (const [module, { a, b }] of pairs) {
    const key = `${module}.weight`
    const product = `${b.shape[0]}, ${a.shape[1]}`
    const found = shapeOf(key, a.key)
    if (found !== undefined && found !== product)
      problems.push(`${a.key} and its lora_B make [${product}], but ${key} is [${found}]`)
    if (weights.has(key)) problems.push(`${key} is replaced and has a pair too`)
  }
  for (const [key, { shape }] of weights) {
    const found = shapeOf(key, key)
    if (found !== undefined && found !== shape.join(', '))
      problems.push(`${key} is [${shape.join(', ')}] in the adapter, but [${found}] in the model`)
  }
  if (problems.length === 0) return
  throw new CheckpointError(
    'adapter-misfit',
    `${name} does not fit ${checkpoint.name}:\n${problemList(problems)}\n` +
      'It was probably trained on another model, or on a part of this one.',
    { adapter: name, checkpoint: checkpoint.name, problems },
  )
}
