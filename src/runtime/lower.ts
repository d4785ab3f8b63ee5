import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { evaluateDim } from '../graph/dim.ts'
import {
  lowerLinears,
  productRows,
  type QuantisedWeight,
  quantisableWeights,
} from '../graph/lower-linears.ts'
import type { Tensor } from '../graph/tensor.ts'
import { EngineError } from '../tensor/errors.ts'
import { integerForm } from './integer-form.ts'
import { formsOf } from './precision.ts'
import type { CompileOptions } from './program.ts'
import { memoryStore, type QuantisedForm, type QuantisedStore } from './quantised-weights.ts'

type Outputs = Readonly<Record<string, Tensor>>

/** A program's graph in the precision asked for, and for runs of few rows in another form where that is faster. */
export interface LoweredProgram {
  readonly many: Outputs
  /** Whether the engine must widen the operands of integer products. */
  readonly widens?: boolean
  readonly few?: { readonly outputs: Outputs; isEnough(sizes: ReadonlyMap<string, number>): boolean }
}

/**
 * Rows up to which the form for few is taken: with both forms open as many as it multiplies sooner (bench/README.md),
 * otherwise as many as it multiplies in the time that changing over takes.
 */
const mostFewRows = { both: 2, one: 64 }

/**
 * The graph with its products in the precision of its part.
 * @throws EngineError `precision-unavailable`; what `QuantisedStore.get` throws
 */
export async function lowered(outputs: Outputs, options: CompileOptions): Promise<LoweredProgram> {
  const { precision, part = 'vision', device, quantised = memoryStore(), keepsBothForms = false } = options
  const { many, few } = precision ? formsOf(part, precision) : { many: undefined, few: undefined }
  if (!many || !few) return { many: outputs }
  if (device !== 'cpu' && device !== 'wasm')
    throw new EngineError(
      'precision-unavailable',
      `The device '${device}' computes in fp32 only; ${many} needs the device cpu or wasm.`,
      { device },
    )
  const tensors = Object.values(outputs)
  const entries = quantisableWeights(tensors)
  if (entries.size === 0) return { many: outputs }
  const { rows } = options
  const { activations, widens } = await integerForm(options.engine, device)
  const inForm = async (form: QuantisedForm): Promise<Outputs> =>
    lowerLinears(outputs, await quantiseAll(entries, form, quantised), activations)
  if (few === many || rows) return { many: await inForm(rows === 'few' ? few : many), widens }
  const counts = productRows(tensors, entries)
  const most = keepsBothForms ? mostFewRows.both : mostFewRows.one
  return {
    many: await inForm(many),
    widens,
    few: {
      outputs: await inForm(few),
      isEnough: (sizes) => counts.every((rows) => evaluateDim(rows, sizes) <= most),
    },
  }
}

/** Weights that are looked for at a time: most are found, by a dozen waits for the disk each. */
const lookedForAtOnce = 8

async function quantiseAll(
  entries: ReadonlySet<WeightEntry>,
  form: QuantisedForm,
  store: QuantisedStore,
): Promise<Map<WeightEntry, QuantisedWeight>> {
  const weights = new Map<WeightEntry, QuantisedWeight>()
  const left = [...entries]
  const takeOn = async (): Promise<void> => {
    for (let entry = left.shift(); entry; entry = left.shift())
      weights.set(entry, await store.get(entry, form))
  }
  try {
    await Promise.all(Array.from({ length: lookedForAtOnce }, takeOn))
  } finally {
    left.length = 0 // after a failure nobody goes on
  }
  return weights
}
