import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import type { InternVitConfig } from '../../src/encoders/internvit-config.ts'
import { toFloat32 } from '../../src/tensor/half.ts'
import type { HostTensor } from '../../src/tensor/tensor.ts'
import { OnnxFile } from './onnx-file.ts'

/** Float weights by their names below the tower. */
type Read = (name: string) => Promise<HostTensor<'f32'>>

/**
 * Writes an InternViT with LayerNorms as an exporter traces it: plain operators in float32, a tile a run, pixels
 * [1, 3, S, S] → last_hidden_state [1, T, C]. The weights are the checkpoint's, so that the results can be compared.
 */
export async function writeTower(
  path: string,
  checkpoint: Checkpoint,
  config: InternVitConfig,
): Promise<void> {
  const read: Read = async (name) => toFloat32(await checkpoint.entry(`vision_model.${name}`).read())
  const file = new OnnxFile(path)
  const { image_size: side, patch_size: patch, hidden_size: width } = config
  let x = await embed(file, read, config)
  for (let i = 0; i < config.num_hidden_layers; i++)
    x = await layer(file, read, `encoder.layers.${i}`, x, config)
  file.graph.nodes.push({
    type: 'Identity',
    domain: '',
    name: 'output',
    inputs: [x],
    outputs: ['last_hidden_state'],
    attributes: {},
  })
  await file.finish(
    [{ name: 'pixel_values', dtype: 'f32', shape: [1, 3, side, side] }],
    [{ name: 'last_hidden_state', dtype: 'f32', shape: [1, (side / patch) ** 2 + 1, width] }],
  )
}

async function embed(file: OnnxFile, read: Read, config: InternVitConfig): Promise<string> {
  const { graph } = file
  const { hidden_size: width, patch_size: patch } = config
  const kernel = await constant(file, read, 'embeddings.patch_embedding.weight')
  const bias = await constant(file, read, 'embeddings.patch_embedding.bias')
  const convolved = graph.node('Conv', ['pixel_values', kernel, bias], {
    kernel_shape: [patch, patch],
    strides: [patch, patch],
  })
  const rows = graph.node('Transpose', [graph.node('Reshape', [convolved, graph.ints([1, width, -1])])], {
    perm: [0, 2, 1],
  })
  const first = await constant(file, read, 'embeddings.class_embedding')
  const all = graph.node('Concat', [first, rows], { axis: 1 })
  return graph.node('Add', [all, await constant(file, read, 'embeddings.position_embedding')])
}

async function layer(
  file: OnnxFile,
  read: Read,
  at: string,
  x: string,
  config: InternVitConfig,
): Promise<string> {
  const { graph } = file
  const scaled = async (branch: string, scale: string): Promise<string> =>
    graph.node('Mul', [branch, await constant(file, read, `${at}.${scale}`)])
  const normed = await norm(file, read, `${at}.norm1`, x, config)
  const y = graph.node('Add', [
    x,
    await scaled(await attention(file, read, `${at}.attn`, normed, config), 'ls1'),
  ])
  const inner = await linear(file, read, `${at}.mlp.fc1`, await norm(file, read, `${at}.norm2`, y, config))
  const mlp = await linear(file, read, `${at}.mlp.fc2`, graph.node('Gelu', [inner]))
  return graph.node('Add', [y, await scaled(mlp, 'ls2')])
}

async function attention(
  file: OnnxFile,
  read: Read,
  at: string,
  x: string,
  config: InternVitConfig,
): Promise<string> {
  const { graph } = file
  const { hidden_size: width, num_attention_heads: heads } = config
  const qkv = await linear(file, read, `${at}.qkv`, x)
  const parts = graph.nodeOutputs('Split', [qkv, graph.ints([width, width, width])], { axis: 2 }, 3)
  const [q, k, v] = parts.map((part, i) => {
    const split = graph.node('Reshape', [part, graph.ints([1, -1, heads, width / heads])])
    return graph.node('Transpose', [split], { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] })
  }) as [string, string, string]
  const scores = graph.node('Mul', [graph.node('MatMul', [q, k]), graph.float((width / heads) ** -0.5)])
  const mixed = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: -1 }), v])
  const merged = graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] })
  return linear(file, read, `${at}.proj`, graph.node('Reshape', [merged, graph.ints([1, -1, width])]))
}

/** x·Wᵀ + b, W stored with its rows as columns. */
async function linear(file: OnnxFile, read: Read, at: string, x: string): Promise<string> {
  const { shape, data } = await read(`${at}.weight`)
  const [to, from] = shape as [number, number]
  const turned = new Float32Array(data.length)
  for (let row = 0; row < to; row++)
    for (let column = 0; column < from; column++) turned[column * to + row] = data[row * from + column]!
  const product = file.graph.node('MatMul', [x, file.floats(`${at}.weight`, [from, to], turned)])
  return file.graph.node('Add', [product, await constant(file, read, `${at}.bias`)])
}

async function norm(
  file: OnnxFile,
  read: Read,
  at: string,
  x: string,
  config: InternVitConfig,
): Promise<string> {
  const weights = [await constant(file, read, `${at}.weight`), await constant(file, read, `${at}.bias`)]
  const epsilon = { float: config.layer_norm_eps }
  return file.graph.node('LayerNormalization', [x, ...weights], { axis: -1, epsilon })
}

async function constant(file: OnnxFile, read: Read, name: string): Promise<string> {
  const { shape, data } = await read(name)
  return file.floats(name, shape, data)
}
