import { type Dim, sameDim, shapeText } from '../dim.ts'
import { Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { sum } from './reduce.ts'
import { reshape } from './shape.ts'

/** NumPy's rule: shapes are aligned at their ends; a size of 1 (or a missing axis) stretches. */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (sameDim(x, y) || y === 1) return x
    if (x === 1) return y
    throw new Misfit(`${shapeText(a)} and ${shapeText(b)} do not broadcast (axis ${i - rank}: ${x} and ${y})`)
  })
}

/** Sums a gradient over the axes along which an operand of `shape` had been stretched. */
export function unbroadcast(dy: Tensor, shape: readonly Dim[]): Tensor {
  const extra = dy.shape.length - shape.length
  const stretched = dy.shape
    .map((d, axis) => ({ axis, wasStretched: axis < extra || (shape[axis - extra] === 1 && d !== 1) }))
    .filter((x) => x.wasStretched)
    .map((x) => x.axis)
  if (stretched.length === 0) return dy
  const reduced = sum(dy, stretched, { keepDims: true })
  return extra === 0 ? reduced : reshape(reduced, shape)
}
