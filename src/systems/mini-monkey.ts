import { PICTURE_PLACEHOLDER } from '../text/picture-tokens.ts'
import { openInternVl } from './internvl2.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import type { System } from './system.ts'

/**
 * Mini-Monkey: InternVL2-2B that sees each picture in two grids whose cut lines differ and as a whole (multi-scale
 * adaptive cropping), and may drop half of the fine grid's tokens before decoding (scale compression). It adds no
 * weights. Detailed tiles come first, as its evaluation has them and compression assumes; the demo's order is an
 * option of the tiling. Source: Mini-Monkey (arXiv 2408.02034); golden cases `minimonkey-*`.
 */
export function openMiniMonkey(files: ModelFiles, options: OpenOptions): Promise<System> {
  return openInternVl(files, options, {
    name: 'mini-monkey',
    tiling: () => ({ strategy: 'msac', order: 'evaluation' }),
    severalPictures: (count, first) => {
      const names = Array.from({ length: count }, (_, i) => `<image-${first + i}>: ${PICTURE_PLACEHOLDER}`)
      return `${names.join(' ')}\n`
    },
    canCompress: true,
  })
}
