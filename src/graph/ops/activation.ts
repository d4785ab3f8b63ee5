import { defineOp } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { add, div, minimum, mul, neg, sub } from './arithmetic.ts'

/** A function of each element, with its derivative in terms of x, y and dy. */
function unary(
  name: string,
  onnx: string,
  gradient: (x: Tensor, y: Tensor, dy: Tensor) => Tensor | undefined,
): (x: Tensor) => Tensor {
  const op = defineOp(name, {
    shape: ([x]) => x!.shape,
    onnx: (g, inputs) => g.node(onnx, inputs),
    gradient: ({ inputs: [x], output, dy }) => [gradient(x!, output, dy)],
  })
  return (x) => op([x], {})
}

/** eˣ. d/dx = y. */
export const exp = unary('exp', 'Exp', (_x, y, dy) => mul(dy, y))

/** ln x. d/dx = 1/x. */
export const log = unary('log', 'Log', (x, _y, dy) => div(dy, x))

/** √x. d/dx = 1/(2y). */
export const sqrt = unary('sqrt', 'Sqrt', (_x, y, dy) => div(dy, mul(y, 2)))

/** sin x. */
export const sin = unary('sin', 'Sin', (x, _y, dy) => mul(dy, cos(x)))

/** cos x. */
export const cos = unary('cos', 'Cos', (x, _y, dy) => neg(mul(dy, sin(x))))

/** tanh x. d/dx = 1 − y². */
export const tanh = unary('tanh', 'Tanh', (_x, y, dy) => mul(dy, sub(1, mul(y, y))))

/** 1/(1 + e⁻ˣ). d/dx = y(1 − y). */
export const sigmoid = unary('sigmoid', 'Sigmoid', (_x, y, dy) => mul(dy, mul(y, sub(1, y))))

/** The error function. d/dx = 2/√π · e^(−x²). */
export const erf = unary('erf', 'Erf', (x, _y, dy) =>
  mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
)

/** |x|. d/dx = sign x. */
export const abs = unary('abs', 'Abs', (x, _y, dy) => mul(dy, sign(x)))

/** −1, 0 or 1; its gradient is zero everywhere. */
export const sign = unary('sign', 'Sign', () => undefined)

/** max(x, 0). */
export const relu = unary('relu', 'Relu', (_x, y, dy) => mul(dy, sign(y)))

/** x above 0, eˣ − 1 below. d/dx = 1 above, y + 1 below. */
export const elu = unary('elu', 'Elu', (_x, y, dy) => mul(dy, add(minimum(y, 0), 1)))

/** ln(1 + eˣ). d/dx = sigmoid x. */
export const softplus = unary('softplus', 'Softplus', (x, _y, dy) => mul(dy, sigmoid(x)))

const geluOp = defineOp<{ approximate: 'none' | 'tanh' }>('gelu', {
  shape: ([x]) => x!.shape,
  onnx: (g, inputs, { attributes }) => g.node('Gelu', inputs, { approximate: attributes.approximate }),
  gradient: ({ inputs: [x], dy, attributes }) => [
    mul(dy, attributes.approximate === 'none' ? geluSlope(x!) : tanhGeluSlope(x!)),
  ],
})

/** x·Φ(x): exact by default, or the tanh approximation of GPT-2. */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  return geluOp([x], { approximate })
}

/** Φ(x) + x·φ(x). */
function geluSlope(x: Tensor): Tensor {
  const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
  const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
  return add(cumulative, mul(x, density))
}

/** ½(1 + t) + ½x(1 − t²)·u′ with t = tanh u, u = √(2/π)(x + 0.044715x³). */
function tanhGeluSlope(x: Tensor): Tensor {
  const c = Math.sqrt(2 / Math.PI)
  const squared = mul(x, x)
  const t = tanh(mul(mul(x, add(mul(squared, 0.044715), 1)), c))
  const inner = mul(add(mul(squared, 3 * 0.044715), 1), c)
  return add(mul(add(t, 1), 0.5), mul(mul(mul(x, 0.5), sub(1, mul(t, t))), inner))
}

const siluOp = defineOp('silu', {
  shape: ([x]) => x!.shape,
  onnx: (g, [x]) => g.node('Mul', [x!, g.node('Sigmoid', [x!])]),
  // s + y − y·s in four passes over memory; product and sigmoid apart take six. The engine shares the sigmoid.
  gradient: ({ inputs: [x], output: y, dy }) => {
    const s = sigmoid(x!)
    return [mul(dy, add(mul(s, sub(1, y)), y))]
  },
})

/** x·sigmoid(x). d/dx = s + y·(1 − s). */
export function silu(x: Tensor): Tensor {
  return siluOp([x], {})
}

/** x·sigmoid(1.702x), the GELU of the original CLIP. */
export function quickGelu(x: Tensor): Tensor {
  return mul(x, sigmoid(mul(x, 1.702)))
}
