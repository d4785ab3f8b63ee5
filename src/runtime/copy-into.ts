import { EngineError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/** Writes a result into the tensor that the caller gave for it. @throws EngineError `output-data` */
export function copyInto(name: string, given: HostTensor, result: HostTensor): HostTensor {
  if (given.dtype !== result.dtype || String(given.shape) !== String(result.shape))
    throw new EngineError(
      'output-data',
      `The output '${name}' is ${result.dtype}[${result.shape.join(', ')}], but the tensor given for it is ` +
        `${given.dtype}[${given.shape.join(', ')}].`,
      { name },
    )
  given.data.set(result.data as never)
  return given
}
