import { type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'

/** Every `steps[axis]`-th element from the first on along each axis, as Python's `x[::a, ::b]`. */
export function subsample(x: HostTensor, steps: readonly number[]): HostTensor {
  const shape = x.shape.map((size, axis) => Math.ceil(size / (steps[axis] ?? 1)))
  const source = x.data as Float32Array
  const picked = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, flat) => {
    let from = 0
    let stride = 1
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (flat % shape[axis]!) * (steps[axis] ?? 1) * stride
      flat = Math.floor(flat / shape[axis]!)
      stride *= x.shape[axis]!
    }
    return source[from]!
  })
  return hostTensor('f32', shape, picked)
}
