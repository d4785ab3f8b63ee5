import type { DType } from '../tensor/dtype.ts'
import { GraphError } from '../tensor/errors.ts'
import { type Dim, shapeText } from './dim.ts'
import type { OnnxGraph } from './onnx/graph.ts'
import type { Node, Tensor, TensorSpec } from './tensor.ts'

/** What a gradient rule is given: the op's operands and result, and d loss / d output. */
export interface GradientContext<A> {
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
  readonly dy: Tensor
  readonly attributes: A
}

/** What an ONNX form is given besides the names of its operands. */
export interface OnnxContext<A> {
  readonly inputs: readonly Tensor[]
  readonly output: TensorSpec
  readonly attributes: A
}

/**
 * One op, defined in one place: its shape rule, its ONNX form and its gradient, which is written with the same ops.
 * `A` is its attributes.
 */
export interface OpDefinition<A> {
  /** The attributes in their canonical form (axes counted from the front); throws `Misfit` too. */
  attributes?(inputs: readonly Tensor[], attributes: A): A
  /** The result's shape; throws `Misfit` with a reason when the operands do not fit. */
  shape(inputs: readonly Tensor[], attributes: A): readonly Dim[]
  /** The result's element type; that of the first operand by default. */
  dtype?(inputs: readonly Tensor[], attributes: A): DType
  /** Writes the op into an ONNX graph and returns the name of its result. */
  onnx(graph: OnnxGraph, inputs: readonly string[], context: OnnxContext<A>): string
  /** d loss / d operand for each operand (undefined where there is none). Absent: the op has no gradient. */
  gradient?(context: GradientContext<A>): readonly (Tensor | undefined)[]
}

/** An op with its attributes' type erased, as graphs hold it. */
export interface Op {
  readonly name: string
  readonly definition: OpDefinition<never>
}

/** Thrown by shape rules: why the operands do not fit. `defineOp` adds the op, the shapes and the line. */
export class Misfit extends Error {}

/**
 * Makes an op of its definition: a function of (operands, attributes) that adds a node and returns its result.
 * @throws GraphError `shape-misfit`, naming the op, the operands' shapes and the line of model code.
 */
export function defineOp<A extends object = Record<never, never>>(
  name: string,
  definition: OpDefinition<A>,
): (inputs: readonly Tensor[], attributes: A) => Tensor {
  const op: Op = { name, definition: definition as OpDefinition<never> }
  return (inputs, given) => {
    try {
      const attributes = definition.attributes?.(inputs, given) ?? given
      const shape = definition.shape(inputs, attributes)
      const dtype = definition.dtype?.(inputs, attributes) ?? inputs[0]!.dtype
      const node: Node = { kind: 'node', op, inputs, attributes: attributes as Node['attributes'] }
      return { dtype, shape, source: node }
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      const operands = inputs.map((x) => `${x.dtype}${shapeText(x.shape)}`).join(', ')
      const line = modelLine(error.stack ?? '')
      throw new GraphError(
        'shape-misfit',
        `${name}(${operands}): ${error.message}${line ? `, at ${line}` : ''}.`,
        { op: name, shapes: inputs.map((x) => shapeText(x.shape)), line },
      )
    }
  }
}

/** Stack frames below this address are of the graph layer itself. */
const graphFolder = new URL('.', import.meta.url).href

/** The first stack frame outside the graph layer: the line of model code that called the op. */
function modelLine(stack: string): string | undefined {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '))
  const frame = frames.find((f) => !f.includes(graphFolder) && !/node:internal|\(<anonymous>\)$/.test(f))
  const place = frame?.match(/\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/)?.[1]
  return place?.replace(/^file:\/\//, '')
}
