import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import type { WeightEntry } from '../src/checkpoint/checkpoint.ts'
import { checkpointOf } from '../src/checkpoint/entries.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openFile } from '../src/checkpoint/open.ts'
import type { Decoder } from '../src/decoders/decoder.ts'
import { llama, llamaConfig } from '../src/decoders/llama.ts'
import { decoderOf } from '../src/decoders/registry.ts'
import { dim } from '../src/graph/dim.ts'
import { quantisableWeights } from '../src/graph/lower-linears.ts'
import { microsoft } from '../src/graph/onnx/graph.ts'
import { defineOp } from '../src/graph/op.ts'
import { add } from '../src/graph/ops/index.ts'
import { rewrite } from '../src/graph/rewrite.ts'
import { constant, input, type Tensor } from '../src/graph/tensor.ts'
import { Weights } from '../src/graph/weights.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../src/runtime/precision.ts'
import { Program } from '../src/runtime/program.ts'
import { internVlConfig } from '../src/systems/internvl-config.ts'
import { toFloat32 } from '../src/tensor/half.ts'
import { elementCount, f32, type HostTensor, hostTensor, i64 } from '../src/tensor/tensor.ts'
import { decoderGraph, decoderGraphInputs } from '../src/train/decoder-graph.ts'
import { loadGoldenCase } from '../tests/golden/case.ts'

/**
 * `npm run bench:accuracy -- [GOLDEN-FOLDER…]`: what quantised products cost. Next-token distributions of language
 * models over random tokens, in each precision against float32: how often the likeliest token is the same, and the
 * mean KL divergence (nats). `per tensor` is the usual way, one scale for all activations of a product and one for its
 * weights. The models: those of the golden folders named (InternVL chat cases), and a made-up one whose first token is
 * an outlier, as in trained models, where it alone drives a few channels to hundreds of times the others' size.
 */
const { positionals } = parseArgs({ allowPositionals: true })
/** Few enough for int4's blocks, which longer prompts do not meet. */
const tokens = 64
const sequences = 8

interface Model {
  readonly name: string
  readonly decoder: Decoder
  readonly weights: Weights
}

/** Activations with one scale, made at run time, times s8 weights with one scale. */
const perTensorProduct = defineOp('perTensorProduct', {
  shape: ([x, w]) => [...x!.shape.slice(0, -1), w!.shape[1]!],
  onnx: (g, inputs) => g.node('DynamicQuantizeMatMul', inputs, {}, microsoft),
})

const engine = await chooseEngine()
const models: Model[] = []
for (const folder of positionals) models.push(await goldenModel(folder))
models.push(outlierModel())
for (const model of models) {
  process.stdout.write(
    `\n${model.name}\n| | top-1 agreement | KL, mean | KL, without the first token |\n|---|--:|--:|--:|\n`,
  )
  const exact = await logitsOf(model, 'fp32')
  for (const way of ['int8', 'int4', 'per tensor'] as const) {
    const { agreement, divergence, others } = compare(exact, await logitsOf(model, way))
    const cells = [`${(100 * agreement).toFixed(1)} %`, divergence.toExponential(1), others.toExponential(1)]
    process.stdout.write(`| ${way} | ${cells.join(' | ')} |\n`)
  }
}

/** Logits of every position of random sequences that begin with token 0, [positions, V] a sequence. */
async function logitsOf({ decoder, weights }: Model, way: Precision | 'per tensor'): Promise<HostTensor[]> {
  const ids = input('ids', 'i64', [dim('B'), dim('T')])
  const graph = { logits: decoderGraph(decoder, weights, decoder.embed(weights, ids)) }
  const program = await Program.compile('accuracy', way === 'per tensor' ? await perTensor(graph) : graph, {
    engine,
    device: 'cpu',
    part: 'decoder',
    ...(way !== 'per tensor' && { precision: precisionsOf(way) }),
  })
  const random = noise(11)
  const results: HostTensor[] = []
  for (let sequence = 0; sequence < sequences; sequence++) {
    const row = Array.from({ length: tokens }, (_, t) =>
      t === 0 ? 0 : Math.floor((0.5 + random() / 2) * decoder.vocabSize),
    )
    const { logits } = await program.run({
      ids: i64([1, tokens], row),
      ...decoderGraphInputs(decoder, [row.map(() => true)]),
    })
    results.push(logits!)
  }
  await program.dispose()
  return results
}

/** Over all positions of all sequences. */
function compare(
  exact: readonly HostTensor[],
  found: readonly HostTensor[],
): { agreement: number; divergence: number; others: number } {
  let same = 0
  let sum = 0
  let first = 0
  exact.forEach((logits, sequence) => {
    const V = logits.shape.at(-1)!
    for (let t = 0; t < tokens; t++) {
      const [p, q] = [logits, found[sequence]!].map((x) =>
        (x.data as Float32Array).subarray(t * V, (t + 1) * V),
      )
      same += Number(argmax(p!) === argmax(q!))
      const kl = divergence(p!, q!)
      sum += kl
      if (t === 0) first += kl
    }
  })
  const count = exact.length * tokens
  return {
    agreement: same / count,
    divergence: sum / count,
    others: (sum - first) / (count - exact.length),
  }
}

function argmax(values: Float32Array): number {
  return values.indexOf(values.reduce((most, x) => Math.max(most, x)))
}

/** Σ p·ln(p/q) of two softmaxes. */
function divergence(p: Float32Array, q: Float32Array): number {
  const [logP, logQ] = [logSoftmax(p), logSoftmax(q)]
  return logP.reduce((sum, value, i) => sum + Math.exp(value) * (value - logQ[i]!), 0)
}

function logSoftmax(values: Float32Array): Float64Array {
  const most = values.reduce((a, b) => Math.max(a, b))
  const sum = values.reduce((total, x) => total + Math.exp(x - most), 0)
  return Float64Array.from(values, (x) => x - most - Math.log(sum))
}

async function goldenModel(folder: string): Promise<Model> {
  const golden = await loadGoldenCase(folder)
  const config = internVlConfig.parse(golden.json.config)
  const checkpoint = await openFile(await folderSource(folder), 'weights.safetensors')
  const weights = new Weights(checkpoint).at('language_model')
  return { name: basename(folder), decoder: decoderOf(config.llm_config, folder), weights }
}

/**
 * 512 wide, 6 layers. In layer 1 three neurons answer to token 0 alone, so that a few inputs of that layer's second
 * matrix are hundreds of times the size of all others.
 */
function outlierModel(): Model {
  const config = llamaConfig.parse({
    vocab_size: 4096,
    hidden_size: 512,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    intermediate_size: 1536,
    num_hidden_layers: 6,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-6,
  })
  const decoder = llama(config, { hasQkvBias: false, isPacked: false })
  const random = noise(5)
  const tensors = new Map<string, HostTensor>()
  for (const [key, shape] of Object.entries(decoder.shapes)) {
    const spread = key.includes('embed') ? 1 : key.includes('lm_head') ? 4 : Math.sqrt(3)
    const scale = spread / Math.sqrt(key.includes('embed') ? 1 : shape.at(-1)!)
    const isNorm = shape.length === 1
    tensors.set(
      key,
      f32(
        shape,
        Float32Array.from({ length: elementCount(shape) }, () => (isNorm ? 1 : scale * random())),
      ),
    )
  }
  const width = config.hidden_size
  const valuesOf = (key: string): Float32Array => tensors.get(key)!.data as Float32Array
  const first = valuesOf('model.embed_tokens.weight').subarray(0, width)
  first.forEach((value, i) => {
    first[i] = 20 * value // keeps its direction through layer 0
  })
  const length = Math.hypot(...first)
  for (const matrix of ['gate_proj', 'up_proj'])
    for (let neuron = 0; neuron < 3; neuron++)
      valuesOf(`model.layers.1.mlp.${matrix}.weight`).set(
        first.map((value) => value / length),
        neuron * width,
      )
  const weights = new Weights(checkpointOf('made up', tensors))
  return { name: 'made up, 512 wide, token 0 an outlier', decoder, weights }
}

/** Uniform in −1..1, the same at every run. */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** The graph with the same products quantised in the usual way. */
async function perTensor(outputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const quantised = new Map<WeightEntry, readonly [Tensor, Tensor]>()
  for (const entry of quantisableWeights(Object.values(outputs))) {
    const [N, K] = entry.shape as [number, number]
    const { data } = toFloat32(await entry.read())
    const scale = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127
    const values = new Int8Array(N * K)
    for (let n = 0; n < N; n++)
      for (let k = 0; k < K; k++) values[k * N + n] = Math.round(data[n * K + k]! / scale)
    quantised.set(entry, [constant(hostTensor('i8', [K, N], values)), constant(f32([], [scale]))])
  }
  return rewrite(outputs, ({ op, inputs: [x, w, bias] }) => {
    const form =
      op.name === 'linear' && w?.source.kind === 'weight' ? quantised.get(w.source.entry) : undefined
    if (!form) return undefined
    const product = perTensorProduct([x!, ...form], {})
    return bias ? add(product, bias) : product
  })
}
