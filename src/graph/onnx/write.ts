import type { WeightEntry } from '../../checkpoint/checkpoint.ts'
import { EngineError, GraphError } from '../../tensor/errors.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import { TimeTurns } from '../../tensor/turns.ts'
import { type Dim, dimText, evaluateDim, shapeText, symbolsOf } from '../dim.ts'
import type { OpDefinition } from '../op.ts'
import { type Leaf, type Node, type Tensor, type TensorSpec, tapName, topologicalOrder } from '../tensor.ts'
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
 * Writes the graph below `outputs` as an ONNX model, in turns with the event loop: a tower of many blocks takes tens of
 * milliseconds.
 * @throws GraphError `unbound-symbol` when a dimension is known from no input.
 */
export async function writeOnnx(
  name: string,
  outputs: Readonly<Record<string, Tensor>>,
  options: WriteOptions,
): Promise<OnnxProgram> {
  const turns = new TimeTurns()
  const graph = new OnnxGraph(options.target)
  const order = topologicalOrder(Object.values(outputs))
  const inputs = collectInputs(order)
  for (const [inputName, spec] of inputs)
    spec.shape.forEach((d, axis) => {
      if (typeof d !== 'number') graph.bindSymbol(d.text, inputName, axis)
    })

  const stored = new Map<WeightEntry, string>()
  const weights: { location: string; entry: WeightEntry }[] = []
  const names = new Map<Tensor, string>()
  for (const tensor of order) {
    if (turns.isDue) await turns.give()
    names.set(
      tensor,
      tensor.source.kind === 'node'
        ? emitNode(graph, tensor, tensor.source, names)
        : emitLeaf(graph, tensor.source, options, stored, weights),
    )
  }

  const results: Record<string, Tensor> = { ...outputs }
  if (options.taps)
    for (const tensor of order) {
      const tapped = tapName(tensor)
      if (tapped !== undefined && !(tapped in results)) results[tapped] = tensor
    }
  for (const outputName of Object.keys(results))
    if (inputs.has(outputName))
      throw new GraphError(
        'name-twice',
        `An input and an output (or tap) of the program are both called '${outputName}'. Rename one.`,
        { name: outputName },
      )
  const outputInfos: ValueInfoProto[] = Object.entries(results).map(([outputName, tensor]) => {
    graph.output(outputName, names.get(tensor)!)
    return valueInfo(outputName, tensor)
  })
  const bytes = await encodeModel({
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
      throw new GraphError('input-twice', `Two different inputs of one program are called '${name}'.`, {
        name,
      })
    inputs.set(name, tensor)
  }
  return inputs
}

function emitNode(
  graph: OnnxGraph,
  tensor: Tensor,
  source: Node,
  names: ReadonlyMap<Tensor, string>,
): string {
  const unbound = graph.unboundSymbol(tensor.shape)
  if (unbound !== undefined)
    throw new GraphError(
      'unbound-symbol',
      `${source.op.name} has shape ${shapeText(tensor.shape)}, but no input of the program has a dimension '${unbound}'.`,
      { symbol: unbound },
    )
  const definition = source.op.definition as unknown as OpDefinition<object>
  return definition.onnx(
    graph,
    source.inputs.map((x) => names.get(x)!),
    {
      inputs: source.inputs,
      output: tensor,
      attributes: source.attributes,
    },
  )
}

function emitLeaf(
  graph: OnnxGraph,
  leaf: Leaf,
  options: WriteOptions,
  stored: Map<WeightEntry, string>,
  weights: { location: string; entry: WeightEntry }[],
): string {
  if (leaf.kind === 'input') return leaf.name
  if (leaf.kind === 'constant') return graph.constant(leaf.value)
  const { entry } = leaf
  const known = stored.get(entry)
  if (known !== undefined) return known
  const external = options.locate(entry)
  if (external) weights.push({ location: external.location, entry })
  const values = graph.initializer({
    // A space keeps keys apart from the names of inputs and outputs, which may be any word.
    name: `weight ${entry.key}`,
    dtype: entry.dtype,
    shape: entry.shape,
    ...(external ? { external } : { raw: rawBytes(options.values(entry)) }),
  })
  const isHalf = entry.dtype === 'bf16' || entry.dtype === 'f16'
  const name = isHalf ? graph.widened(values) : values
  stored.set(entry, name)
  return name
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
  const refuse = (name: string, spec: TensorSpec): never => {
    const fed = feeds[name]
    throw new EngineError(
      'feed-shape',
      `Program '${program}' takes ${name} as ${spec.dtype}${shapeText(spec.shape)}, but was given ` +
        `${fed ? `${fed.dtype}[${fed.shape.join(', ')}]` : 'nothing'}${boundText(symbols)}.`,
      { program, input: name },
    )
  }
  for (const [name, spec] of inputs) {
    const fed = feeds[name]
    const fits =
      fed !== undefined &&
      fed.dtype === spec.dtype &&
      fed.shape.length === spec.shape.length &&
      spec.shape.every((d, axis) => bindDim(d, fed.shape[axis]!, symbols))
    if (!fits) refuse(name, spec)
  }
  // Sizes such as P + T can only be checked once P and T are known.
  for (const [name, spec] of inputs)
    if (!spec.shape.every((d) => typeof d === 'number' || agrees(d, symbols))) refuse(name, spec)
  return symbols
}

function bindDim(d: Dim, size: number, symbols: Map<string, number>): boolean {
  if (typeof d === 'number') return d === size
  const known = symbols.get(d.text)
  if (known !== undefined) return known === size
  symbols.set(d.text, size)
  return true
}

function agrees(d: Dim, symbols: ReadonlyMap<string, number>): boolean {
  const isKnown = symbolsOf(d).every((name) => symbols.has(name))
  return !isKnown || evaluateDim(d, symbols) === symbols.get(dimText(d))
}

function boundText(symbols: ReadonlyMap<string, number>): string {
  return symbols.size === 0 ? '' : ` (with ${[...symbols].map(([k, v]) => `${k} = ${v}`).join(', ')})`
}
