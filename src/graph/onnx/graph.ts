import { GraphError } from '../../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../../tensor/tensor.ts'
import { type Dim, foldDim, symbolsOf } from '../dim.ts'
import { type Attributes, type NodeProto, rawBytes, type TensorProto } from './proto.ts'

/** The contrib operators of ONNX Runtime. */
export const microsoft = 'com.microsoft'

/** What a program is compiled for; ops may choose their ONNX form by it. */
export interface Target {
  readonly device: 'cpu' | 'wasm' | 'webgpu' | 'cuda'
}

/**
 * An ONNX graph being written. Ops append nodes to it by name; constants are shared; symbolic dimensions become
 * small integer nodes that read the shapes of the program's inputs.
 */
export class OnnxGraph {
  readonly target: Target
  readonly nodes: NodeProto[] = []
  readonly #makers = new Map<string, number>()
  readonly initializers: TensorProto[] = []
  readonly #shared = new Map<string, string>()
  readonly #storedAs = new Map<string, string>()
  readonly #symbols = new Map<string, { readonly input: string; readonly axis: number }>()
  readonly #names = new Map<string, number>()
  readonly #outputs = new Map<string, string>()
  #count = 0

  constructor(target: Target) {
    this.target = target
  }

  /** Appends a node and returns the name of its single output. An empty input name skips an optional operand. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.nodeOutputs(type, inputs, attributes, 1, domain)[0]!
  }

  /** Appends a node with several outputs. */
  nodeOutputs(
    type: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputCount: number,
    domain = '',
  ): string[] {
    const name = `${type}_${this.#count++}`
    const outputs = Array.from({ length: outputCount }, (_, i) => (i === 0 ? name : `${name}_${i}`))
    for (const output of outputs) this.#makers.set(output, this.nodes.length)
    this.nodes.push({ type, domain, name, inputs, outputs, attributes })
    return outputs
  }

  /** A further result of the node that made `first`, where its operator has one. */
  furtherOutput(first: string, index: number): string {
    const at = this.#makers.get(first)!
    const node = this.nodes[at]!
    const outputs = [...node.outputs]
    while (outputs.length <= index) outputs.push(`${node.name}_${outputs.length}`)
    this.nodes[at] = { ...node, outputs }
    return outputs[index]!
  }

  /**
   * A value stored in half precision, widened to f32 for the ops that use it. An op that takes the stored form
   * leaves the cast unused; `liveNodes` drops it.
   */
  widened(stored: string): string {
    return this.#once(`widened ${stored}`, () => {
      const name = this.node('Cast', [stored], { to: 1 })
      this.#storedAs.set(name, stored)
      return name
    })
  }

  /** The stored form of a widened value; the value itself when it is not one. */
  stored(name: string): string {
    return this.#storedAs.get(name) ?? name
  }

  /** `value`, taken out of the stored form of `origin`, as f32. */
  widen(value: string, origin: string): string {
    return this.#storedAs.has(origin) ? this.node('Cast', [value], { to: 1 }) : value
  }

  /** Makes a value a result of the graph under a name. To be called when all nodes are there. */
  output(name: string, value: string): void {
    const isMade = this.#makers.has(value)
    // A copy where the value is an input, a constant or the value of another output.
    if (isMade && !this.#outputs.has(value)) this.#outputs.set(value, name)
    else
      this.nodes.push({
        ...{ type: 'Identity', domain: '', name: `output ${name}`, attributes: {} },
        inputs: [value],
        outputs: [name],
      })
  }

  /** The nodes under the names of the outputs, but no widening casts that nothing uses, which the engine would compute. */
  liveNodes(): NodeProto[] {
    const used = new Set(this.nodes.flatMap((node) => node.inputs))
    const named = (value: string): string => this.#outputs.get(value) ?? value
    return this.nodes
      .filter(
        ({ outputs: [first] }) =>
          !this.#storedAs.has(first!) || used.has(first!) || this.#outputs.has(first!),
      )
      .map((node) => ({ ...node, inputs: node.inputs.map(named), outputs: node.outputs.map(named) }))
  }

  /** An initializer; its name gets a number where another has it already. */
  initializer(tensor: TensorProto): string {
    const repeats = this.#names.get(tensor.name) ?? 0
    this.#names.set(tensor.name, repeats + 1)
    const name = repeats === 0 ? tensor.name : `${tensor.name} (${repeats + 1})`
    this.initializers.push({ ...tensor, name })
    return name
  }

  /** A constant; equal small ones are written once. */
  constant(value: HostTensor): string {
    const raw = rawBytes(value)
    const key = raw.length <= 64 ? `${value.dtype}[${value.shape}]${raw}` : undefined
    const known = key === undefined ? undefined : this.#shared.get(key)
    if (known) return known
    const name = this.initializer({
      name: `constant_${this.#count++}`,
      dtype: value.dtype,
      shape: value.shape,
      raw: raw.slice(),
    })
    if (key !== undefined) this.#shared.set(key, name)
    return name
  }

  /** An i64 vector of known integers. */
  ints(values: readonly number[]): string {
    return this.constant(hostTensor('i64', [values.length], BigInt64Array.from(values, BigInt)))
  }

  /** An f32 scalar. */
  float(value: number): string {
    return this.constant(hostTensor('f32', [], Float32Array.of(value)))
  }

  /** An i64 scalar. */
  whole(value: number): string {
    return this.constant(hostTensor('i64', [], BigInt64Array.of(BigInt(value))))
  }

  /** A scalar of 8 bits. */
  small(dtype: 'u8' | 'i8', value: number): string {
    return this.constant(hostTensor(dtype, [], dtype === 'u8' ? Uint8Array.of(value) : Int8Array.of(value)))
  }

  /** Declares that a symbol's (or a whole dimension's) value is the size of `input` along `axis`. */
  bindSymbol(name: string, input: string, axis: number): void {
    if (!this.#symbols.has(name)) this.#symbols.set(name, { input, axis })
  }

  /** The first symbol of the dims that no program input has as a whole dimension, if any. */
  unboundSymbol(dims: readonly Dim[]): string | undefined {
    const unread = dims.filter((d) => !this.#symbols.has(String(d)))
    return unread.flatMap(symbolsOf).find((name) => !this.#symbols.has(name))
  }

  /** An i64 vector of dims, computed from the inputs' shapes where they are symbolic. */
  dims(dims: readonly Dim[]): string {
    if (dims.every((d) => typeof d === 'number')) return this.ints(dims as number[])
    return this.#once(`dims ${dims.join(',')}`, () =>
      this.node(
        'Concat',
        dims.map((d) => this.#dim(d)),
        { axis: 0 },
      ),
    )
  }

  /** One dim as an i64 vector of length 1. */
  #dim(d: Dim): string {
    if (this.#symbols.has(String(d))) return this.#symbol(String(d))
    return this.#once(`dim ${d}`, () =>
      foldDim<string>(d, {
        constant: (value) => this.ints([value]),
        symbol: (name) => this.#symbol(name),
        add: (a, b) => this.node('Add', [a, b]),
        mul: (a, b) => this.node('Mul', [a, b]),
        floorDiv: (a, b) => this.node('Div', [a, b]),
      }),
    )
  }

  #symbol(name: string): string {
    return this.#once(`symbol ${name}`, () => {
      const bound = this.#symbols.get(name)
      if (!bound)
        throw new GraphError(
          'unbound-symbol',
          `The program needs the value of '${name}', but none of its inputs has a dimension '${name}'.`,
          { symbol: name },
        )
      return this.node('Shape', [bound.input], { start: bound.axis, end: bound.axis + 1 })
    })
  }

  #once(key: string, make: () => string): string {
    const known = this.#shared.get(key)
    if (known) return known
    const made = make()
    this.#shared.set(key, made)
    return made
  }
}
