import { CheckpointError } from '../tensor/errors.ts'
import { TorchTensor } from './torch-objects.ts'

/** Under which trainers put the weights beside an optimiser, an epoch and the like; the first that fits is taken. */
const wrappers = ['state_dict', 'model_state_dict', 'model', 'module']

/** Deeper than any module tree; ends dictionaries that hold themselves. */
const depthLimit = 64

/** Shared dictionaries in shared dictionaries would otherwise double with every level. */
const visitLimit = 2 ** 22

const keyLimit = 4096

/**
 * The tensors of what was pickled under their state-dict keys: nested dictionaries joined by dots, and only the
 * weights of a trainer's `{ state_dict, optimizer, epoch }`. Everything that is no tensor is left out.
 * @throws CheckpointError `torch-nesting` when it is nested too deeply or too often, or its keys are too long.
 */
export function stateDictOf(pickled: unknown, file: string): Map<string, TorchTensor> {
  let value = pickled
  for (let depth = 0; depth < wrappers.length; depth++) value = unwrap(value) ?? value
  const tensors = new Map<string, TorchTensor>()
  let visited = 0

  function collect(node: unknown, key: string, depth: number): void {
    if (++visited > visitLimit || depth > depthLimit || key.length > keyLimit)
      throw new CheckpointError(
        'torch-nesting',
        `${file}: the pickle nests more than ${depthLimit} dictionaries, has more than ${visitLimit} of them, or ` +
          `keys of more than ${keyLimit} characters. Save the state dict alone.`,
        { file, depthLimit, visitLimit, keyLimit },
      )
    if (node instanceof TorchTensor) tensors.set(key, node)
    else if (node instanceof Map || Array.isArray(node))
      for (const [name, child] of node.entries())
        if (isContainer(child) && (typeof name === 'string' || typeof name === 'number'))
          collect(child, key === '' ? `${name}` : `${key}.${name}`, depth + 1)
  }

  collect(value, '', 0)
  return tensors
}

function isContainer(value: unknown): boolean {
  return value instanceof TorchTensor || value instanceof Map || Array.isArray(value)
}

function unwrap(value: unknown): unknown {
  if (!(value instanceof Map)) return undefined
  return wrappers.map((name) => value.get(name)).find((inner) => inner instanceof Map && holdsTensors(inner))
}

/** Whether tensors lie in it directly, or one wrapper deeper. */
function holdsTensors(dictionary: Map<unknown, unknown>): boolean {
  for (const value of dictionary.values()) if (value instanceof TorchTensor) return true
  return wrappers.some((name) => {
    const inner = dictionary.get(name)
    return inner instanceof Map && [...inner.values()].some((value) => value instanceof TorchTensor)
  })
}
