import { type LoraPair, loraScale } from '../adapters/adapter.ts'
import { isCalled } from '../adapters/peft-config.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { checkpointOf, mergeCheckpoints, tensorEntry } from '../checkpoint/entries.ts'
import { groupByPattern } from '../checkpoint/key-groups.ts'
import { seededRandom } from '../generate/random.ts'
import { addToLinears, linearMatrices } from '../graph/adapt-linears.ts'
import type { Tensor } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { lowRank } from '../nn/lora.ts'
import { InputError } from '../tensor/errors.ts'
import { f32, type HostTensor, zeros } from '../tensor/tensor.ts'

/** The pairs of a run: which linear layers have one, and of what size. */
export interface LoraSettings {
  /** peft's `target_modules`: names or ends of names, or a regular expression that matches whole names. */
  readonly targets: string | readonly string[]
  readonly rank: number
  readonly alpha: number
  /** Scales by alpha / √rank and not alpha / rank. */
  readonly usesRslora?: boolean | undefined
}

/** What is trained: a loss traced from weights, and their values. */
export interface TracedModel {
  readonly checkpoint: Checkpoint
  loss(w: Weights): Tensor
}

/** A model with low-rank pairs beside linear layers. Their keys are `<module>.lora_A.weight` and `….lora_B.weight`. */
export interface AdaptedModel extends TracedModel {
  /** The keys of the pairs that the stage names. */
  readonly targeted: readonly string[]
  /** The values of all pairs, by key. */
  readonly pairs: ReadonlyMap<string, HostTensor<'f32'>>
}

const keysOf = (module: string): [a: string, b: string] => [
  `${module}.lora_A.weight`,
  `${module}.lora_B.weight`,
]

/** The linear layer that a key's pair stands beside; undefined for the key of another weight. */
export function moduleOfPair(key: string): string | undefined {
  return /^(.+)\.lora_[AB]\.weight$/.exec(key)?.[1]
}

/** The pairs among trained weights, by module. */
export function pairsIn(
  trained: ReadonlyMap<string, HostTensor<'f32'>>,
  settings: LoraSettings,
): Map<string, LoraPair> {
  const modules = new Set([...trained.keys()].flatMap((key) => moduleOfPair(key) ?? []))
  const scale = loraScale(settings)
  return new Map(
    [...modules].map((module) => {
      const [a, b] = keysOf(module).map((key) => tensorEntry(key, trained.get(key)!))
      return [module, { a: a!, b: b!, scale }]
    }),
  )
}

/**
 * The model with a pair beside every linear layer that `targets` names, and beside those that had one before.
 * A new pair changes nothing yet: A is drawn evenly from ±1/√in (Kaiming's, a = √5, as peft starts), B is zero.
 * @param trained what earlier stages trained, pairs among it
 * @param targets of this stage; undefined when it adds none
 * @throws InputError `lora-matches-nothing`
 */
export function withPairs(
  model: TracedModel,
  settings: LoraSettings,
  trained: ReadonlyMap<string, HostTensor<'f32'>>,
  targets: LoraSettings['targets'] | undefined,
  seed: number,
): AdaptedModel {
  const targeted = targets === undefined ? new Map<string, Tensor>() : targetedBy(targets, linearsOf(model))
  const pairs = new Map([...trained].filter(([key]) => moduleOfPair(key) !== undefined))
  for (const [module, { shape }] of targeted) {
    const [a, b] = keysOf(module)
    const [rows, columns] = shape as [number, number]
    if (pairs.has(a)) continue
    pairs.set(a, startingA(module, settings.rank, columns, seed))
    pairs.set(b, zeros('f32', [rows, settings.rank]))
  }
  const modules = [...pairsIn(pairs, settings).keys()]
  const scale = loraScale(settings)
  const { checkpoint } = model
  return {
    checkpoint: mergeCheckpoints(checkpoint.name, [checkpoint, checkpointOf('pairs', pairs)]),
    targeted: [...targeted.keys()].flatMap(keysOf),
    pairs,
    loss(w) {
      const terms = modules.map((module) => {
        const at = w.at(module)
        const pair = { a: at.get('lora_A.weight'), b: at.get('lora_B.weight'), scale }
        return [at.get('weight'), (x: Tensor) => lowRank(x, pair)] as const
      })
      return addToLinears({ loss: model.loss(w) }, new Map(terms)).loss!
    },
  }
}

/** The model's linear layers and their matrices. */
function linearsOf({ checkpoint, loss }: TracedModel): Map<string, Tensor> {
  const w = new Weights(checkpoint)
  const matrices = linearMatrices([loss(w)])
  const linears = [...w.read()].filter(([key, tensor]) => key.endsWith('.weight') && matrices.has(tensor))
  return new Map(linears.map(([key, tensor]) => [key.slice(0, -'.weight'.length), tensor]))
}

function targetedBy(
  targets: LoraSettings['targets'],
  linears: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const targeted = new Map<string, Tensor>()
  for (const target of [targets].flat()) {
    const pattern = typeof targets === 'string' ? fullPattern(targets) : undefined
    const found = [...linears].filter(([module]) => pattern?.test(module) ?? isCalled(module, target))
    for (const [module, tensor] of found) targeted.set(module, tensor)
    if (found.length > 0) continue
    const known = groupByPattern([...linears.keys()]).map((group) => group.pattern)
    throw new InputError(
      'lora-matches-nothing',
      `No linear layer of the model is called ${target}. There are ${known.join(', ')}.`,
      { target, known },
    )
  }
  return targeted
}

/** A regular expression that must match the whole of a name. @throws SyntaxError */
export function fullPattern(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`)
}

/** A module's A at the start: the same for a seed whatever other modules have one. */
function startingA(module: string, rank: number, columns: number, seed: number): HostTensor<'f32'> {
  const random = seededRandom(seed, fnv1a(module))
  const bound = 1 / Math.sqrt(columns)
  return f32(
    [rank, columns],
    Float32Array.from({ length: rank * columns }, () => (2 * random() - 1) * bound),
  )
}

/** A name as 32 bits (Fowler, Noll and Vo). */
function fnv1a(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
