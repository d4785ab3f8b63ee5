import type { HostTensor } from '../tensor/tensor.ts'

/** Where tensors that were dear to compute are kept beyond the life of a process. */
export interface TensorStore {
  /** The tensor under a key; undefined where there is none, or none that can be read. */
  load(key: string): Promise<HostTensor<'f32'> | undefined>
  save(key: string, tensor: HostTensor<'f32'>): Promise<void>
}
