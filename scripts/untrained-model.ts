import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'
import { decoderOf } from '../src/decoders/registry.ts'
import { seededRandom } from '../src/generate/random.ts'
import { type InternVlConfig, internVlConfig, internVlShapes } from '../src/systems/internvl-config.ts'
import { elementCount, f32, type HostTensor } from '../src/tensor/tensor.ts'
import { letterTokenizer } from './letter-tokenizer.ts'

/**
 * `node scripts/untrained-model.ts --out DIR [--width 256] [--stem 24,64,128] [--blocks 0,1,2] [--vision-layers 4] [--layers 8]
 * [--seed 1]`: Mini-Monkey's architecture at small scale behind a stem of convolutions, with a tokenizer of letters and
 * weights from which training starts; 11.0 M parameters by default. The same options write the same files.
 */
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    width: { type: 'string', default: '256' },
    'vision-layers': { type: 'string', default: '4' },
    layers: { type: 'string', default: '8' },
    stem: { type: 'string', default: '24,64,128' },
    blocks: { type: 'string', default: '0,1,2' },
    seed: { type: 'string', default: '1' },
  },
})
const width = Number(values.width)
const stem = values.stem.split(',').map(Number)
const blocks = values.blocks.split(',').map(Number)
const isStem =
  stem.length <= 4 &&
  blocks.length <= stem.length &&
  stem.every((channels) => Number.isInteger(channels) && channels > 0) &&
  blocks.every((count) => Number.isInteger(count) && count >= 0)
if (!values.out || !(width >= 192) || width % 64 !== 0 || !isStem) {
  process.stderr.write(
    'usage: untrained-model --out DIR [--width N] [--stem N,N,N] [--blocks N,N,N] [--vision-layers N] [--layers N] [--seed N]\n' +
      'The width is a multiple of 64, of which each head has as many channels, and 192 or more: codes of letters need that room.\n' +
      'The stem is the channels of one to four convolutions, each of which halves the map; blocks are residual ones behind each.\n',
  )
  process.exit(2)
}
/** Steps down and to the right from a patch to the one that each head looks at. */
const neighbours = [
  [0, -1],
  [0, 1],
  [-1, 0],
  [1, 0],
] as const
/** How sharply a head looks. */
const FOCUS = 1.6

const tokenizer = letterTokenizer()
const tileSize = 256
const config = {
  architectures: ['MiniMonkeyChatModel'],
  model_type: 'internvl_chat',
  vision_config: {
    architectures: ['InternVisionModel'],
    model_type: 'intern_vit_6b',
    hidden_size: width,
    num_attention_heads: width / 64,
    intermediate_size: 4 * width,
    num_hidden_layers: Number(values['vision-layers']),
    patch_size: 16,
    stem_channels: stem,
    stem_blocks: blocks,
    image_size: tileSize,
    qkv_bias: true,
    qk_normalization: false,
    norm_type: 'layer_norm',
    layer_norm_eps: 1e-6,
  },
  llm_config: {
    architectures: ['InternLM2ForCausalLM'],
    model_type: 'internlm2',
    vocab_size: tokenizer.size,
    hidden_size: width,
    num_attention_heads: width / 64,
    num_key_value_heads: width / 64,
    intermediate_size: 2.75 * width,
    num_hidden_layers: Number(values.layers),
    rope_theta: 10000,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    pad_token_id: 0,
    bos_token_id: 1,
    eos_token_id: 2,
  },
  template: 'panoptes',
  force_image_size: tileSize,
  downsample_ratio: 0.5,
  ps_version: 'v2',
  select_layer: -1,
  dynamic_image_size: true,
  use_thumbnail: true,
  min_dynamic_patch: 1,
  max_dynamic_patch: 12,
}
await mkdir(values.out, { recursive: true })
for (const [name, content] of Object.entries(tokenizer.files))
  await writeFile(join(values.out, name), content)
await writeFile(join(values.out, 'config.json'), `${JSON.stringify(config, undefined, 1)}\n`)
const parsed = internVlConfig.parse(config)
const shapes = internVlShapes(parsed, decoderOf(parsed.llm_config, 'untrained-model.ts'))
const weights = new Map(
  Object.entries(shapes).map(([key, shape], place) => [key, initial(key, shape, place, parsed)]),
)
await writeFile(join(values.out, 'model.safetensors'), writeSafetensors(weights))
const parameters = Object.values(shapes).reduce((sum, shape) => sum + elementCount(shape), 0)
process.stderr.write(`${(parameters / 1e6).toFixed(1)} M parameters in ${values.out}\n`)

/**
 * Norms and layer scales begin at 1, biases and residual convolutions at 0; matrices at N(0, 1/inputs), those that end a residual branch divided by
 * √(2·layers). The encoder begins as a convolution would: positions are two-dimensional sines, each head looks at one of
 * the four neighbours of a patch in turn, and filters of patches see edges, while even paper is nothing to them (a white
 * patch would drown its position). Letters that lie across patches are then read after hundreds of steps instead of
 * thousands. Compare d'Ascoli et al., "ConViT" (arXiv 2103.10697), section 3.
 */
function initial(
  key: string,
  shape: readonly number[],
  place: number,
  config: InternVlConfig,
): HostTensor<'f32'> {
  const { num_hidden_layers: layers, hidden_size: width } = config.vision_config
  if (/bias$|\.blocks\./.test(key)) return filled(shape, 0)
  if (/(norm\d?|mlp1\.0)\.weight$|\.ls[12]$/.test(key)) return filled(shape, 1)
  if (key.endsWith('position_embedding')) return f32(shape, sines(Math.sqrt(shape[1]! - 1), width))
  const decoderLayers = (config.llm_config as unknown as { num_hidden_layers: number }).num_hidden_layers
  const depth = key.startsWith('vision_model') ? layers : decoderLayers
  const endsBranch = /(attn\.proj|fc2|attention\.wo|feed_forward\.w2)\.weight$/.test(key)
  const inputs = elementCount(shape) / shape[0]!
  const spread = /(class_embedding|tok_embeddings)/.test(key)
    ? 0.3
    : Math.sqrt(1 / inputs) / (endsBranch ? Math.sqrt(2 * depth) : 1)
  if (/attn\.qkv\.weight$/.test(key))
    return f32(shape, neighbourHeads(shape[1]!, config.vision_config.num_attention_heads, normalsOf(place)))
  if (key.endsWith('stem.0.conv.weight')) return f32(shape, edgeFilters(shape, normalsOf(place)))
  const normal = normalsOf(place)
  return f32(
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => spread * normal()),
  )
}

/** Numbers of N(0, 1), a row of them for each weight. */
function normalsOf(place: number): () => number {
  const draw = seededRandom(Number(values.seed), place)
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())
}

function filled(shape: readonly number[], value: number): HostTensor<'f32'> {
  return f32(shape, new Float32Array(elementCount(shape)).fill(value))
}

/** Filters whose weights sum to 0, [width, …]. */
function edgeFilters(shape: readonly number[], normal: () => number): Float32Array<ArrayBuffer> {
  const inputs = elementCount(shape) / shape[0]!
  const filters = Float32Array.from({ length: elementCount(shape) }, () => normal() / Math.sqrt(inputs))
  for (let start = 0; start < filters.length; start += inputs) {
    const filter = filters.subarray(start, start + inputs)
    const mean = filter.reduce((sum, weight) => sum + weight, 0) / inputs
    for (let i = 0; i < inputs; i++) filter[i]! -= mean
  }
  return filters
}

/**
 * Queries, keys and values [3 · width, width]: a head compares the sixteen fastest sines of rows and of columns, its keys'
 * turned on by one patch; values are N(0, 1/width).
 */
function neighbourHeads(width: number, heads: number, normal: () => number): Float32Array<ArrayBuffer> {
  const qkv = Float32Array.from({ length: 3 * width * width }, () => normal() / Math.sqrt(width))
  qkv.fill(0, 0, 2 * width * width)
  const headSize = width / heads
  const waves = headSize / 4
  const quarter = width / 4
  const set = (row: number, column: number, value: number) => {
    qkv[row * width + column] = FOCUS * value
  }
  for (let head = 0; head < heads; head++)
    for (const [half, step] of neighbours[head % neighbours.length]!.entries())
      for (let i = 0; i < waves; i++) {
        const query = head * headSize + half * 2 * waves + i
        const key = width + query
        const [sine, cosine] = [half * 2 * quarter + i, half * 2 * quarter + quarter + i]
        const turn = step * speedOf(i, quarter)
        set(query, sine, 1)
        set(query + waves, cosine, 1)
        // sin(a − t) and cos(a − t) of a key at a agree with a query at a − t.
        set(key, sine, Math.cos(turn))
        set(key, cosine, -Math.sin(turn))
        set(key + waves, cosine, Math.cos(turn))
        set(key + waves, sine, Math.sin(turn))
      }
  return qkv
}

/** Radians a patch of the i-th sine. */
function speedOf(i: number, count: number): number {
  return 2 / 40 ** (i / count)
}

/** The class token's zeros, then each patch's row in the first half of the channels and its column in the second. */
function sines(side: number, width: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array((side * side + 1) * width)
  const quarter = width / 4
  for (let patch = 0; patch < side * side; patch++)
    for (const [half, at] of [Math.floor(patch / side), patch % side].entries())
      for (let i = 0; i < quarter; i++) {
        const angle = at * speedOf(i, quarter)
        const start = (patch + 1) * width + half * 2 * quarter
        table[start + i] = Math.sin(angle)
        table[start + quarter + i] = Math.cos(angle)
      }
  return table
}
