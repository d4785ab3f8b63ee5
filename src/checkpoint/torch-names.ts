import { CheckpointError } from '../tensor/errors.ts'
import { TorchTensor } from './torch-objects.ts'

/** Trainers save a dict of these beside epochs and optimizers; the first with tensors is the model's. */
const wrappers = ['state_dict', 'model', 'module']

/** A state dict is a few levels deep; a pickle may refer to itself, and then has no end. */
const depthLimit = 64
/** Shared references let a small pickle unfold without bound. */
const visitLimit = 2_000_000

/**
 * The tensors of an unpickled value by dotted names: nested dicts and lists are flattened, wrappers such as
 * `{ state_dict: … }` removed, and values that are no tensors left out.
 * @throws CheckpointError `torch-names` when there are none, or when nesting has no end.
 */
export function namedTensors(value: unknown, file: string): [string, TorchTensor][] {
  const tensors: [string, TorchTensor][] = []
  let visits = 0
  function visit(value: unknown, name: string, depth: number): void {
    if (value instanceof TorchTensor) {
      if (name !== '') tensors.push([name, value])
      return
    }
    if (!(value instanceof Map) && !Array.isArray(value)) return
    if (depth > depthLimit) throw fail(file, `its containers nest deeper than ${depthLimit}, or in a circle`)
    for (const [key, item] of value.entries()) {
      if (++visits > visitLimit) throw fail(file, `its containers unfold to more than ${visitLimit} values`)
      visit(item, name === '' ? String(key) : `${name}.${String(key)}`, depth + 1)
    }
  }
  visit(unwrap(value), '', 0)
  if (tensors.length === 0) throw fail(file, 'it holds no dict of tensors')
  return tensors
}

function unwrap(value: unknown): unknown {
  let inner = value
  for (let depth = 0; depth < depthLimit; depth++) {
    const dict = inner
    if (!(dict instanceof Map) || hasTensor(dict)) break
    const wrapper = wrappers.find((name) => dict.get(name) instanceof Map && holdsTensors(dict.get(name)))
    if (wrapper === undefined) break
    inner = dict.get(wrapper)
  }
  return inner
}

/** Whether a dict holds tensors itself or as a wrapper of a wrapper. */
function holdsTensors(value: unknown, depth = 0): boolean {
  if (!(value instanceof Map) || depth > wrappers.length) return false
  return hasTensor(value) || wrappers.some((name) => holdsTensors(value.get(name), depth + 1))
}

function hasTensor(dict: ReadonlyMap<unknown, unknown>): boolean {
  return dict.values().some((item) => item instanceof TorchTensor)
}

function fail(file: string, found: string): CheckpointError {
  return new CheckpointError(
    'torch-names',
    `${file} cannot be used as weights: ${found}. Expected is a state dict, names with tensors.`,
    { file, found },
  )
}
