import { parseConfig } from '../../../src/checkpoint/config.ts'
import { owlv2PixelConfig, owlv2Pixels } from '../../../src/detectors/owlv2-pixels.ts'
import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import { type HostTensor, zeros } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface PicturesCase {
  readonly inputs: { readonly images: readonly { readonly file: string }[] }
}

/**
 * Every picture at the configured side and at those that the expected names and descriptions tell (`sub1008_0`,
 * "size 96"): a grid of pixels, tile statistics and corners. How dense a grid is, its description tells ("::30"), or
 * where there is another, its expected shape.
 */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { images } = (golden.json as unknown as PicturesCase).inputs
  const config = parseConfig(owlv2PixelConfig, golden.json.config, 'case.json')
  const smallSide = Number(/size (\d+)/.exec(golden.json.expected['small*'] ?? '')?.[1])
  const tensors = new Map<string, HostTensor>()
  for (const [i, { file }] of images.entries()) {
    const { image } = await decodeImage(golden.file(file), asPillow)
    const at = (side: number) => owlv2Pixels(image, { ...config, size: { height: side, width: side } })
    const give = (name: string, from: (wanted: HostTensor) => HostTensor) => {
      const wanted = golden.io.get(`expected.${name}`)
      if (wanted) tensors.set(name, from(wanted))
    }
    const describe = (size: string, pixels: HostTensor<'f32'>) => {
      const described = golden.json.expected[size === '' ? 'sub*' : `*${size}*`]
      give(`sub${size}${i}`, ({ shape }) => everyNth(pixels, shape[1]!, described))
      give(`tilemean${size}${i}`, () => tileStatistics(pixels).mean)
      give(`tilestd${size}${i}`, () => tileStatistics(pixels).std)
    }
    const whole = at(config.size.height)
    describe('', whole)
    give(`corner${i}`, ({ shape }) => corners(whole, shape[2]!))
    const smallGrid = golden.json.expected['small*']
    give(`small${i}`, ({ shape }) => everyNth(at(smallSide), shape[1]!, smallGrid))
    for (const side of [...golden.io.keys()].flatMap((key) => sideOf(key, i))) describe(`${side}_`, at(side))
  }
  return { tensors, checked: tensors.size }
}

/** The side that the name of a picture's grid tells: `expected.sub1008_0` → 1008. */
function sideOf(key: string, picture: number): number[] {
  const [, side, index] = /^expected\.sub(\d+)_(\d+)$/.exec(key) ?? []
  return side !== undefined && Number(index) === picture ? [Number(side)] : []
}

/** [1, 3, S, S] → [3, n, n]: every kth pixel, where the description says `::k` and that gives n; else the (S/n)th. */
function everyNth(
  { data, shape }: HostTensor<'f32'>,
  n: number,
  description: string | undefined,
): HostTensor<'f32'> {
  const S = shape[2]!
  const said = Number(/::(\d+)/.exec(description ?? '')?.[1])
  const step = Math.ceil(S / said) === n ? said : Math.ceil(S / n)
  const grid = zeros('f32', [3, n, n])
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < n; y++)
      for (let x = 0; x < n; x++) grid.data[(c * n + y) * n + x] = data[(c * S + y * step) * S + x * step]!
  return grid
}

/** Mean and standard deviation of 8×8 tiles of a picture, [3, 8, 8] each. */
function tileStatistics({ data, shape }: HostTensor<'f32'>) {
  const S = shape[2]!
  const side = S / 8
  const mean = zeros('f32', [3, 8, 8])
  const std = zeros('f32', [3, 8, 8])
  for (let tile = 0; tile < 3 * 64; tile++) {
    const [c, top, left] = [Math.floor(tile / 64), Math.floor((tile % 64) / 8) * side, (tile % 8) * side]
    const rows = Array.from({ length: side }, (_, y) => {
      const start = (c * S + top + y) * S + left
      return Array.from(data.subarray(start, start + side))
    })
    const values = rows.flat()
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length
    mean.data[tile] = average
    std.data[tile] = Math.sqrt(variance)
  }
  return { mean, std }
}

/** The top left, bottom right and top right corners, [3, 3, n, n]. */
function corners({ data, shape }: HostTensor<'f32'>, n: number): HostTensor<'f32'> {
  const S = shape[2]!
  const out = zeros('f32', [3, 3, n, n])
  const origins = [
    [0, 0],
    [S - n, S - n],
    [0, S - n],
  ] as const
  let o = 0
  for (const [top, left] of origins)
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < n; y++)
        for (let x = 0; x < n; x++) out.data[o++] = data[(c * S + top + y) * S + left + x]!
  return out
}
