import type { WeightEntry } from '../../checkpoint/checkpoint.ts'
import { EngineError, GraphError } from '../../tensor/errors.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import { type Dim, dimText, shapeText } from '../dim.ts'
import type { OpDefinition } from '../op.ts'
import { type Leaf, type Tensor, type TensorSpec, tapName, topologicalOrder } from '../tensor.ts'
import { OnnxGraph, type Target } from './graph.ts'
import { encodeModel, rawBytes, type ValueInfoProto } from './proto.ts'

/** A program as ONNX bytes, with the weights it expects beside them. */
export interface OnnxProgram {
  readonly bytes: Uint8Array
  readonly inputs: ReadonlyMap<string, TensorSpec>
  readonly outputs: ReadonlyMap<string, TensorSpec>
  /** Weights that the engine maps from their files: one location per distinct place. */
  readonly weights: readonly { readonly location: string; readonly entry: WeightEntry }[]
}

export interface WriteOptions {
  readonly target: Target
  /** Also return every value named by `tap`. */
  readonly taps?: boolean
  /** The file name under which the engine will find a weight's bytes; undefined embeds its values. */
  locate(entry: WeightEntry): { location: string; offset: number; length: number } | undefined
  /** Values of weights that are embedded. */
  values(entry: WeightEntry): HostTensor
}

/** Opset 21 is the newest that every execution provider of ONNX Runtime 1.30 has kernels for. */
const opset = 21

/**
 * Writes the graph below `outputs` as an ONNX model.
 * @throws GraphError `unbound-symbol` when a dimension is known from no input.
 */
export function writeOnnx(name: string, outputs: Readonly<Record<string, Tensor>>, options: WriteOptions): OnnxProgram {
  const graph = new OnnxGraph(options.target)
  const order = topologicalOrder(Object.values(outputs))
  const inputs = collectInputs(order)
  for (const [inputName, spec] of inputs)
    spec.shape.forEach((d, axis) => {
      if (typeof d !== 'number') graph.bindSymbol(d.text, inputName, axis)
    })

  const weights: { location: string; entry: WeightEntry }[] = []
  const names = new Map<Tensor, string>()
  for (const tensor of order) names.set(tensor, emit(graph, tensor, names, options, weights))

  const results: Record<string, Tensor> = { ...outputs }
  if (options.taps)
    for (const tensor of order) {
      const tapped = tapName(tensor)
      if (tapped !== undefined && !(tapped in results)) results[tapped] = tensor
    }
  const outputInfos: ValueInfoProto[] = Object.entries(results).map(([outputName, tensor]) => {
    const produced = names.get(tensor)!
    // An output needs a name of its own, even when it is an input, a constant or the value of another output.
    graph.nodes.push({
      type: 'Identity',
      domain: '',
      name: `output ${outputName}`,
      inputs: [produced],
      outputs: [outputName],
      attributes: {},
    })
    return valueInfo(outputName, tensor)
  })
  const bytes = encodeModel({
    graph: {
      name,
      nodes: graph.liveNodes(),
      initializers: graph.initializers,
      inputs: [...inputs].map(([inputName, spec]) => valueInfo(inputName, spec)),
      outputs: outputInfos,
    },
    opsets: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1 },
    ],
  })
  return { bytes, inputs, outputs: new Map(Object.entries(results)), weights }
}

function collectInputs(order: readonly Tensor[]): Map<string, TensorSpec> {
  const inputs = new Map<string, TensorSpec>()
  for (const tensor of order) {
    if (tensor.source.kind !== 'input') continue
    const { name } = tensor.source
    const known = inputs.get(name)
    if (known && known !== tensor)
      throw new GraphError('input-twice', `Two different inputs of one program are called '${name}'.`, { name })
    inputs.set(name, tensor)
  }
  return inputs
}

function emit(
  graph: OnnxGraph,
  tensor: Tensor,
  names: ReadonlyMap<Tensor, string>,
  options: WriteOptions,
  weights: { location: string; entry: WeightEntry }[],
): string {
  const { source } = tensor
  if (source.kind !== 'node') return emitLeaf(graph, source, options, weights)
  const unbound = graph.unboundSymbol(tensor.shape)
  if (unbound !== undefined)
    throw new GraphError(
      'unbound-symbol',
      `${source.op.name} has shape ${shapeText(tensor.shape)}, but no input of the program has a dimension '${unbound}'.`,
      { symbol: unbound },
    )
  const definition = source.op.definition as unknown as OpDefinition<object>
  return definition.onnx(graph, source.inputs.map((x) => names.get(x)!), {
    inputs: source.inputs,
    output: tensor,
    attributes: source.attributes,
  })
}

function emitLeaf(
  graph: OnnxGraph,
  leaf: Leaf,
  options: WriteOptions,
  weights: { location: string; entry: WeightEntry }[],
): string {
  if (leaf.kind === 'input') return leaf.name
  if (leaf.kind === 'constant') return graph.constant(leaf.value)
  const { entry } = leaf
  const external = options.locate(entry)
  if (external) weights.push({ location: external.location, entry })
  const stored = graph.initializer({
    name: entry.key,
    dtype: entry.dtype,
    shape: entry.shape,
    ...(external ? { external } : { raw: rawBytes(options.values(entry)) }),
  })
  const isHalf = entry.dtype === 'bf16' || entry.dtype === 'f16'
  return isHalf ? graph.widened(stored) : stored
}

function valueInfo(name: string, spec: TensorSpec): ValueInfoProto {
  return { name, dtype: spec.dtype, shape: spec.shape.map((d) => (typeof d === 'number' ? d : d.text)) }
}

/**
 * The value of every symbol, read from the tensors given to a program.
 * @throws EngineError `feed-shape` when an input is missing or its shape contradicts the program's.
 */
export function bindShapes(
  program: string,
  inputs: ReadonlyMap<string, TensorSpec>,
  feeds: Readonly<Record<string, { dtype: string; shape: readonly number[] }>>,
): Map<string, number> {
  const symbols = new Map<string, number>()
  for (const [name, spec] of inputs) {
    const fed = feeds[name]
    const fits =
      fed !== undefined &&
      fed.dtype === spec.dtype &&
      fed.shape.length === spec.shape.length &&
      spec.shape.every((d, axis) => bindDim(d, fed.shape[axis]!, symbols))
    if (!fits)
      throw new EngineError(
        'feed-shape',
        `Program '${program}' takes ${name} as ${spec.dtype}${shapeText(spec.shape)}, but was given ` +
          `${fed ? `${fed.dtype}[${fed.shape.join(', ')}]` : 'nothing'}${boundText(symbols)}.`,
        { program, input: name },
      )
  }
  return symbols
}

function bindDim(d: Dim, size: number, symbols: Map<string, number>): boolean {
  if (typeof d === 'number') return d === size
  const name = dimText(d)
  const known = symbols.get(name)
  if (known !== undefined) return known === size
  symbols.set(name, size)
  return true
}

function boundText(symbols: ReadonlyMap<string, number>): string {
  return symbols.size === 0 ? '' : ` (with ${[...symbols].map(([k, v]) => `${k} = ${v}`).join(', ')})`
}
