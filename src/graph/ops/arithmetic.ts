import type { Dim } from '../dim.ts'
import { defineOp, Misfit } from '../op.ts'
import { scalar, type Tensor } from '../tensor.ts'
import { broadcastShapes, unbroadcast } from './broadcast.ts'

/** A tensor, or a number that stands for a scalar constant. */
export type Operand = Tensor | number

const lift = (x: Operand): Tensor => (typeof x === 'number' ? scalar(x) : x)

function pairShape([a, b]: readonly Tensor[]): Dim[] {
  if (a!.dtype !== b!.dtype) throw new Misfit('the operands have different element types')
  return broadcastShapes(a!.shape, b!.shape)
}

/** Element by element with broadcasting; the gradients are unbroadcast to the operands' shapes. */
function binary(
  name: string,
  onnx: string,
  gradient?: (a: Tensor, b: Tensor, dy: Tensor, y: Tensor) => [Tensor, Tensor],
): (a: Operand, b: Operand) => Tensor {
  const op = defineOp(name, {
    shape: pairShape,
    onnx: (g, inputs) => g.node(onnx, inputs),
    ...(gradient && {
      gradient: ({ inputs: [a, b], dy, output }) => {
        const [da, db] = gradient(a!, b!, dy, output)
        return [unbroadcast(da, a!.shape), unbroadcast(db, b!.shape)]
      },
    }),
  })
  return (a, b) => op([lift(a), lift(b)], {})
}

/** a + b. */
export const add = binary('add', 'Add', (_a, _b, dy) => [dy, dy])

/** a − b. */
export const sub = binary('sub', 'Sub', (_a, _b, dy) => [dy, neg(dy)])

/** a · b. */
export const mul = binary('mul', 'Mul', (a, b, dy) => [mul(dy, b), mul(dy, a)])

/** a / b. */
export const div = binary('div', 'Div', (_a, b, dy, y) => [div(dy, b), neg(div(mul(dy, y), b))])

/** The smaller of a and b; where they are equal the gradient goes to a. */
export const minimum = binary('minimum', 'Min', (a, b, dy) => {
  const takesA = cast(lessOrEqual(a, b), 'f32')
  return [mul(dy, takesA), mul(dy, sub(1, takesA))]
})

/** The larger of a and b; where they are equal the gradient goes to a. */
export const maximum = binary('maximum', 'Max', (a, b, dy) => {
  const takesA = cast(lessOrEqual(b, a), 'f32')
  return [mul(dy, takesA), mul(dy, sub(1, takesA))]
})

function comparison(name: string, onnx: string): (a: Operand, b: Operand) => Tensor {
  const op = defineOp(name, {
    shape: pairShape,
    dtype: () => 'bool',
    onnx: (g, inputs) => g.node(onnx, inputs),
  })
  return (a, b) => op([lift(a), lift(b)], {})
}

/** a = b, as booleans. */
export const equal = comparison('equal', 'Equal')

/** a ≤ b, as booleans. */
export const lessOrEqual = comparison('lessOrEqual', 'LessOrEqual')

/** a < b, as booleans. */
export const less = comparison('less', 'Less')

const whereOp = defineOp('where', {
  shape: ([condition, a, b]) => {
    if (condition!.dtype !== 'bool') throw new Misfit('the condition is not boolean')
    return broadcastShapes(condition!.shape, pairShape([a!, b!]))
  },
  dtype: ([, a]) => a!.dtype,
  onnx: (g, inputs) => g.node('Where', inputs),
  gradient: ({ inputs: [condition, a, b], dy }) => [
    undefined,
    unbroadcast(where(condition!, dy, 0), a!.shape),
    unbroadcast(where(condition!, 0, dy), b!.shape),
  ],
})

/** a where the condition holds, b elsewhere. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  return whereOp([condition, lift(a), lift(b)], {})
}

const negOp = defineOp('neg', {
  shape: ([x]) => x!.shape,
  onnx: (g, inputs) => g.node('Neg', inputs),
  gradient: ({ dy }) => [neg(dy)],
})

/** −x. */
export function neg(x: Tensor): Tensor {
  return negOp([x], {})
}

const castOp = defineOp<{ to: 'f32' | 'i64' | 'bool' }>('cast', {
  shape: ([x]) => x!.shape,
  dtype: (_, { to }) => to,
  onnx: (g, inputs, { attributes: { to } }) =>
    g.node('Cast', inputs, { to: { f32: 1, i64: 7, bool: 9 }[to] }),
  gradient: ({ inputs: [x], dy }) => [x!.dtype === 'f32' ? dy : undefined],
})

/** x in another element type; gradients pass only between floats. */
export function cast(x: Tensor, to: 'f32' | 'i64' | 'bool'): Tensor {
  return x.dtype === to ? x : castOp([x], { to })
}
