import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { microsoft, OnnxGraph } from '../../src/graph/onnx/graph.ts'
import { type Attributes, encodeModel, type ValueInfoProto } from '../../src/graph/onnx/proto.ts'
import type { DType } from '../../src/tensor/dtype.ts'

/** Offsets of external data are multiples of this, so that they can be mapped. */
const alignment = 4096

/** An ONNX model for a peer, written as exports for transformers.js lie in their repositories: `X.onnx` and `X.onnx_data`. */
export class OnnxFile {
  readonly graph = new OnnxGraph({ device: 'cpu' })
  readonly #path: string
  readonly #data: number
  #offset = 0

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#path = path
    this.#data = openSync(`${path}_data`, 'w')
  }

  /** A weight whose bytes lie in the data file. `stretch` is repeated until the shape is full. */
  weight(name: string, dtype: DType, shape: readonly number[], stretch: Uint8Array): string {
    const length = shape.reduce((a, b) => a * b, 1) * bytesPerElement(dtype)
    const offset = Math.ceil(this.#offset / alignment) * alignment
    for (let at = 0; at < length; at += stretch.length)
      writeSync(this.#data, stretch, 0, Math.min(stretch.length, length - at), offset + at)
    this.#offset = offset + length
    const external = { location: `${basename(this.#path)}_data`, offset, length }
    return this.graph.initializer({ name, dtype, shape, external })
  }

  /** Float weights. */
  floats(name: string, shape: readonly number[], values: Float32Array): string {
    return this.weight(
      name,
      'f32',
      shape,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    )
  }

  /** A node of ONNX Runtime's own operators whose outputs have given names; an empty one is left out. */
  contrib(type: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes): void {
    const domain = microsoft
    this.graph.nodes.push({ type, domain, name: `${type} ${outputs[0]}`, inputs, outputs, attributes })
  }

  /** Writes the model. Only then is its file there. */
  async finish(inputs: readonly ValueInfoProto[], outputs: readonly ValueInfoProto[]): Promise<void> {
    closeSync(this.#data)
    const { nodes, initializers } = this.graph
    const bytes = await encodeModel({
      graph: { name: 'bench', nodes, initializers, inputs, outputs },
      opsets: [
        { domain: '', version: 21 },
        { domain: microsoft, version: 1 },
      ],
    })
    writeFileSync(`${this.#path}.part`, bytes)
    renameSync(`${this.#path}.part`, this.#path)
  }
}

function bytesPerElement(dtype: DType): number {
  if (dtype === 'f32') return 4
  if (dtype === 'u8') return 1
  throw new Error(`The bench writes no ${dtype} weights.`)
}
