import { elementType } from '../graph/onnx/proto.ts'
import { allocate } from '../tensor/dtype.ts'
import { EngineError } from '../tensor/errors.ts'
import { elementCount, type HostTensor } from '../tensor/tensor.ts'
import type { NamedTensors } from './engine.ts'

/**
 * Refuses a run whose feeds or results are not those of the session.
 * @throws EngineError `feed-missing`, `feed-unknown`, `output-unknown`
 */
export function checkNames(
  inputs: readonly string[],
  outputs: readonly string[],
  feeds: NamedTensors,
  results: readonly string[],
): void {
  const missing = inputs.find((name) => feeds[name] === undefined)
  if (missing !== undefined)
    throw new EngineError('feed-missing', `The run lacks the input '${missing}'.`, { name: missing })
  refuseUnknown('feed-unknown', 'input', inputs, Object.keys(feeds))
  refuseUnknown('output-unknown', 'output', outputs, results)
}

function refuseUnknown(code: string, role: string, known: readonly string[], names: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new EngineError(
      code,
      `The program has no ${role} '${unknown}'; it has ${known.length === 0 ? 'none' : known.join(', ')}.`,
      { name: unknown, known },
    )
}

/**
 * Refuses a tensor whose data are not what its type and shape say: it would make the engine read or write beyond them.
 * @throws EngineError `feed-data` or `output-data`
 */
export function checkData(role: 'feed' | 'output', name: string, { dtype, shape, data }: HostTensor): void {
  if (!(dtype in elementType)) refuseData(role, name, `it has the element type '${dtype}', which is unknown`)
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    refuseData(role, name, `its shape [${String(shape)}] is not a list of sizes`)
  const expected = allocate(dtype, 0).constructor as { new (): unknown; readonly name: string }
  if (!(data instanceof expected)) refuseData(role, name, `${dtype} data must be a ${expected.name}`)
  const count = elementCount(shape)
  if (data.length !== count)
    refuseData(
      role,
      name,
      `its shape [${shape.join(', ')}] needs ${count} elements, but its data have ${data.length}` +
        (data.length === 0 ? ' (was their buffer transferred to another thread?)' : ''),
    )
}

/** @throws EngineError `feed-data` or `output-data` */
export function refuseData(role: 'feed' | 'output', name: string, reason: string): never {
  throw new EngineError(`${role}-data`, `The ${role} '${name}' cannot be used: ${reason}.`, { name })
}
