import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import type { DType } from '../tensor/dtype.ts'
import { elementCount, f32, type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { Dim } from './dim.ts'
import type { Op } from './op.ts'

/** What is known of a tensor before any program runs. */
export interface TensorSpec {
  readonly dtype: DType
  readonly shape: readonly Dim[]
}

/**
 * A symbolic tensor: one value in a graph of typed ops. Functions over it build the graph; nothing is computed
 * until a program is compiled from outputs and run.
 */
export interface Tensor extends TensorSpec {
  readonly source: Leaf | Node
}

/** An op applied to tensors. Every op has one output, so the tensor stands for its node. */
export interface Node {
  readonly kind: 'node'
  readonly op: Op
  readonly inputs: readonly Tensor[]
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Where values enter a graph: a program's input, a checkpoint's weight, a constant. */
export type Leaf =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'weight'; readonly entry: WeightEntry }
  | { readonly kind: 'constant'; readonly value: HostTensor }

/** A value that the caller gives at each run, under `name`. */
export function input(name: string, dtype: DType, shape: readonly Dim[]): Tensor {
  return { dtype, shape, source: { kind: 'input', name } }
}

/**
 * A checkpoint's weight. Half-precision floats are seen as f32 by model code; the compiler decides how they are
 * stored and multiplied.
 */
export function weight(entry: WeightEntry): Tensor {
  const dtype = entry.dtype === 'f16' || entry.dtype === 'bf16' ? 'f32' : entry.dtype
  return { dtype, shape: entry.shape, source: { kind: 'weight', entry } }
}

/** A tensor whose values are part of the program. */
export function constant(value: HostTensor): Tensor {
  return { dtype: value.dtype, shape: value.shape, source: { kind: 'constant', value } }
}

/** An f32 scalar constant. */
export function scalar(value: number): Tensor {
  return constant(f32([], [value]))
}

/** An i64 vector constant: indices, axes, sizes. */
export function indices(values: readonly number[]): Tensor {
  return constant(hostTensor('i64', [values.length], BigInt64Array.from(values, BigInt)))
}

/** A constant tensor with every element equal. */
export function full(shape: readonly number[], value: number): Tensor {
  return constant(hostTensor('f32', shape, new Float32Array(elementCount(shape)).fill(value)))
}

const taps = new WeakMap<Tensor, string>()

/**
 * Names an intermediate value so that a program compiled with taps also returns it (hidden states, attention
 * weights). Costs nothing when it is not asked for.
 */
export function tap(name: string, x: Tensor): Tensor {
  taps.set(x, name)
  return x
}

/** The name given to a tensor by `tap`, if any. */
export function tapName(x: Tensor): string | undefined {
  return taps.get(x)
}

/** Everything that the outputs depend on, each before what uses it. */
export function topologicalOrder(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = []
  const seen = new Set<Tensor>()
  // An explicit stack: a training graph is far deeper than the call stack allows.
  const stack: { tensor: Tensor; next: number }[] = []
  const visit = (tensor: Tensor): void => {
    if (seen.has(tensor)) return
    seen.add(tensor)
    stack.push({ tensor, next: 0 })
  }
  for (const output of outputs) {
    visit(output)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      const inputs = top.tensor.source.kind === 'node' ? top.tensor.source.inputs : []
      if (top.next < inputs.length) visit(inputs[top.next++]!)
      else order.push(stack.pop()!.tensor)
    }
  }
  return order
}
