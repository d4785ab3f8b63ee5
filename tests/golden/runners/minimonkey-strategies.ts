import { parseConfig } from '../../../src/checkpoint/config.ts'
import { internVit } from '../../../src/encoders/internvit.ts'
import { internVitConfig } from '../../../src/encoders/internvit-config.ts'
import { type S2FusionOptions, s2Features } from '../../../src/fusion/s2.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import { scalePixels } from '../../../src/tiling/s2.ts'
import { globalView, slidingWindow } from '../../../src/tiling/windows.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce } from '../programs.ts'

/** S2 features at every recorded set of scales; fixed and overlapping windows and the global view. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(internVitConfig, golden.json.config, 'case.json')
  const weights = new Weights(await caseWeights(golden))
  const given = (name: string): HostTensor<'f32'> => golden.io.get(`input.${name}`) as HostTensor<'f32'>
  const base = config.image_size
  const tensors = new Map<string, HostTensor>()

  const s2 = async (
    name: string,
    pixels: HostTensor<'f32'>,
    options: Omit<S2FusionOptions, 'prefixTokens'>,
  ) => {
    const tower = (x: Parameters<typeof internVit>[1]) => internVit(weights, x, config).hiddenStates.at(-1)!
    const outputs = {
      s2: s2Features(input('pixels', 'f32', pixels.shape), tower, { prefixTokens: 1, ...options }),
    }
    tensors.set(name, (await runOnce(outputs, { pixels })).s2!)
  }
  for (const name of golden.io.keys()) {
    const scales = /^expected\.scales_(.+)$/.exec(name)?.[1]?.split('_').map(Number)
    if (!scales) continue
    const sizes = scales.map((scale) => Math.trunc(base * scale))
    await s2(name.slice(9), given('x'), { sizes, maxSplitSize: splitSize(golden, name) ?? base })
  }
  const big = given('big')
  await s2('img_sizes', big, { sizes: [base, 2 * base], maxSplitSize: base, referenceIndex: 1 })

  tensors.set('scale2_pixels', scalePixels(given('x'), 2 * base))
  tensors.set('window_fixed', slidingWindow(given('y'), base, base))
  tensors.set('window_overlap', slidingWindow(given('y'), base, base / 2))
  tensors.set('window_global', globalView(given('y'), base))
  return { tensors, checked: tensors.size }
}

/** The crop size that a case's description gives, where it is not the input's. */
function splitSize(golden: GoldenCase, name: string): number | undefined {
  const found = /max_split_size (\d+)/.exec(golden.json.expected[name.slice(9)] ?? '')?.[1]
  return found === undefined ? undefined : Number(found)
}
