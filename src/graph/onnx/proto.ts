import { PbfWriter } from 'pbf'
import type { DType } from '../../tensor/dtype.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import { TimeTurns } from '../../tensor/turns.ts'

/** The few messages of onnx.proto (IR version 10) that Panoptes writes. Field numbers are those of the schema. */
export interface ModelProto {
  readonly graph: GraphProto
  readonly opsets: readonly { readonly domain: string; readonly version: number }[]
}

export interface GraphProto {
  readonly name: string
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
}

export interface NodeProto {
  readonly type: string
  readonly domain: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Attributes
}

/** Attribute values: integers by default, `{ float }` where the schema wants a float. */
export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number }>
>

/** A constant: its bytes, or the place of its bytes in a file beside the model. */
export interface TensorProto {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly raw?: Uint8Array
  readonly external?: { readonly location: string; readonly offset: number; readonly length: number }
}

/** A typed program input or output; symbolic dimensions are given by name. */
export interface ValueInfoProto {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly (number | string)[]
}

/** `TensorProto.DataType` of each element type. */
export const elementType: Readonly<Record<DType, number>> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  bf16: 16,
}

/** The serialised model, made in turns with the event loop. */
export async function encodeModel(model: ModelProto): Promise<Uint8Array> {
  const graph = await encodeGraph(model.graph)
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, 10) // ir_version
  pbf.writeStringField(2, 'panoptes')
  pbf.writeBytesField(7, graph) // a message is written as its bytes are
  for (const opset of model.opsets)
    pbf.writeMessage(
      8,
      (o, p) => {
        if (o.domain) p.writeStringField(1, o.domain)
        p.writeVarintField(2, o.version)
      },
      opset,
    )
  return pbf.finish()
}

/** The little-endian bytes of a host tensor, as ONNX stores constants. */
export function rawBytes(tensor: HostTensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data
  return new Uint8Array(buffer, byteOffset, byteLength)
}

async function encodeGraph(graph: GraphProto): Promise<Uint8Array> {
  const turns = new TimeTurns()
  const pbf = new PbfWriter()
  for (const node of graph.nodes) {
    if (turns.isDue) await turns.give()
    pbf.writeMessage(1, writeNode, node)
  }
  pbf.writeStringField(2, graph.name)
  for (const tensor of graph.initializers) {
    if (turns.isDue) await turns.give()
    pbf.writeMessage(5, writeTensor, tensor)
  }
  for (const value of graph.inputs) pbf.writeMessage(11, writeValueInfo, value)
  for (const value of graph.outputs) pbf.writeMessage(12, writeValueInfo, value)
  return pbf.finish()
}

function writeNode(node: NodeProto, pbf: PbfWriter): void {
  for (const name of node.inputs) pbf.writeStringField(1, name)
  for (const name of node.outputs) pbf.writeStringField(2, name)
  pbf.writeStringField(3, node.name)
  pbf.writeStringField(4, node.type)
  for (const attribute of Object.entries(node.attributes)) pbf.writeMessage(5, writeAttribute, attribute)
  if (node.domain) pbf.writeStringField(7, node.domain)
}

function writeAttribute([name, value]: [string, Attributes[string]], pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value)
    pbf.writeVarintField(20, 2) // INT
  } else if (typeof value === 'string') {
    pbf.writeBytesField(4, new TextEncoder().encode(value))
    pbf.writeVarintField(20, 3) // STRING
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float)
    pbf.writeVarintField(20, 1) // FLOAT
  } else {
    for (const item of value) pbf.writeVarintField(8, item)
    pbf.writeVarintField(20, 7) // INTS
  }
}

function writeTensor(tensor: TensorProto, pbf: PbfWriter): void {
  for (const size of tensor.shape) pbf.writeVarintField(1, size)
  pbf.writeVarintField(2, elementType[tensor.dtype])
  pbf.writeStringField(8, tensor.name)
  if (tensor.raw) pbf.writeBytesField(9, tensor.raw)
  if (tensor.external) {
    for (const entry of Object.entries(tensor.external))
      pbf.writeMessage(
        13,
        ([key, value], p) => {
          p.writeStringField(1, key)
          p.writeStringField(2, String(value))
        },
        entry,
      )
    pbf.writeVarintField(14, 1) // EXTERNAL
  }
}

function writeValueInfo(value: ValueInfoProto, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.name)
  pbf.writeMessage(2, writeTensorType, value)
}

function writeTensorType(value: ValueInfoProto, pbf: PbfWriter): void {
  pbf.writeMessage(
    1,
    (v, tensorType) => {
      tensorType.writeVarintField(1, elementType[v.dtype])
      tensorType.writeMessage(2, writeShape, v.shape)
    },
    value,
  )
}

function writeShape(shape: ValueInfoProto['shape'], pbf: PbfWriter): void {
  for (const size of shape)
    pbf.writeMessage(
      1,
      (s, p) => {
        if (typeof s === 'number') p.writeVarintField(1, s)
        else p.writeStringField(2, s)
      },
      size,
    )
}
