import { defineOp } from '../op.ts'
import type { Tensor } from '../tensor.ts'

const afterOp = defineOp('after', {
  shape: ([x]) => x!.shape,
  // None of the elements of what comes first, behind those of x: the engine knows no shorter way to the same values,
  // takes the result for another value than x, and cannot make it sooner.
  onnx: (g, [x, ...first], { inputs, output }) => {
    const flat = (value: string): string => g.node('Reshape', [value, g.ints([-1])])
    const none = first.map((value, i) => {
      const row = inputs[i + 1]!.shape.length === 1 ? value : flat(value)
      return g.node('Slice', [row, g.ints([0]), g.ints([0]), g.ints([0])])
    })
    const joined = g.node('Concat', [flat(x!), ...none], { axis: 0 })
    return g.node('Reshape', [joined, g.dims(output.shape)], { allowzero: 1 })
  },
})

/**
 * x itself, computed when all of `first` are there: what is made of it comes behind them in the order of execution. All
 * have one element type. It has no gradient and is meant for backward passes.
 */
export function after(x: Tensor, first: readonly Tensor[]): Tensor {
  return first.length === 0 ? x : afterOp([x, ...first], {})
}
