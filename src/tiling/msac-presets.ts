import type { MsacFilter, MsacOrder } from './msac.ts'

/** Published settings of the multi-scale adaptive tiling for one benchmark. */
export interface MsacPreset {
  /** Fewest and most detailed tiles; a missing minimum keeps what was set before, so it must be given. */
  readonly detailed: { readonly min?: number; readonly max: number }
  readonly adaptive: { readonly min?: number; readonly max: number }
  readonly filter: MsacFilter
  readonly order: MsacOrder
  /** The published pipeline first doubles the picture with Pillow's bilinear filter; the caller does that. */
  readonly doublesPicture?: boolean
}

function preset(
  order: MsacOrder,
  detailed: readonly [min: number, max: number],
  adaptive: readonly [min: number, max: number],
): MsacPreset {
  return {
    detailed: { min: detailed[0], max: detailed[1] },
    adaptive: { min: adaptive[0], max: adaptive[1] },
    filter: order === 'training' ? 'and' : 'or',
    order,
  }
}

/**
 * By `PIPELINE:BENCHMARK`: the settings of VLMEvalKit's adapter, of the repository's evaluation adapter and
 * of its VQA script, and those of the demo and of training (the full script; the LoRA script has at most 6
 * detailed tiles).
 * Source: Mini-Monkey demo.py, eval/internvl_chat.py, eval/vqa/evaluate_vqa.py; VLMEvalKit vlm/minimonkey.py.
 */
const presets = {
  demo: preset('demo', [4, 12], [3, 7]),
  training: preset('training', [1, 8], [1, 4]),
  'training:lora': preset('training', [1, 6], [1, 4]),
  'vlmevalkit:default': preset('evaluation', [4, 12], [3, 7]),
  'vlmevalkit:DocVQA': preset('evaluation', [14, 23], [5, 15]),
  'vlmevalkit:TextVQA': preset('evaluation', [14, 23], [5, 15]),
  'vlmevalkit:InfoVQA': preset('evaluation', [15, 23], [3, 5]),
  'vlmevalkit:SEEDBench': preset('evaluation', [15, 23], [3, 5]),
  'vlmevalkit:OCRBench': preset('evaluation', [9, 24], [5, 8]),
  'vlmevalkit:POPE': preset('evaluation', [9, 24], [5, 8]),
  'vlmevalkit:HallusionBench': preset('evaluation', [4, 11], [2, 6]),
  'vlmevalkit:MME': preset('evaluation', [5, 11], [2, 6]),
  'vlmevalkit:AI2D': preset('evaluation', [5, 12], [2, 6]),
  'vlmevalkit:CCBench': preset('evaluation', [9, 24], [4, 8]),
  'vlmevalkit:MMMU': preset('evaluation', [5, 12], [3, 7]),
  'vlmevalkit:ChartQA': { detailed: { max: 12 }, adaptive: { max: 3 }, filter: 'or', order: 'evaluation' },
  'repository:other': preset('evaluation', [12, 24], [3, 5]),
  'repository:ChartQA': preset('evaluation', [4, 12], [1, 3]),
  'repository:DocVQA': preset('evaluation', [1, 24], [1, 8]),
  'repository:InfoVQA': preset('evaluation', [5, 24], [3, 8]),
  'repository:OCRBench': preset('evaluation', [8, 24], [3, 9]),
  'repository:CCBench': preset('evaluation', [3, 8], [1, 4]),
  'repository:RealWorldQA': preset('evaluation', [3, 12], [1, 4]),
  'repository:MME': preset('evaluation', [3, 9], [1, 4]),
  'repository:HallusionBench': preset('evaluation', [3, 9], [1, 4]),
  'repository:POPE': preset('evaluation', [3, 9], [1, 4]),
  'repository:MMMU': { ...preset('evaluation', [12, 24], [3, 5]), doublesPicture: true },
  'vqa:other': preset('vqa', [12, 23], [3, 7]),
  'vqa:ChartQA': preset('vqa', [6, 12], [2, 5]),
  'vqa:DocVQA-test': preset('vqa', [11, 23], [2, 10]),
} as const satisfies Record<string, MsacPreset>

export type MsacPresetName = keyof typeof presets

export const msacPresets: Readonly<Record<MsacPresetName, MsacPreset>> = presets
