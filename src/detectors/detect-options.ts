import type { RunOptions } from '../runtime/run-events.ts'
import { InputError } from '../tensor/errors.ts'
import type { LongLabels } from './owlv2-queries.ts'

/** How a detector is asked for what words describe. */
export interface DetectOptions extends RunOptions {
  /** What scores above this is given, 0 to 1; 0.1 by default, as in the official library. */
  readonly threshold?: number | undefined
  /** Leave out boxes that overlap a surer one of the same label by more than this IoU; by default all are given. */
  readonly overlap?: number | undefined
  /** What is asked for a label, which stands in it as `{label}`; the label alone by default. */
  readonly prompt?: string | undefined
  /** What becomes of labels with more tokens than the detector reads; `refuse` by default. */
  readonly longLabels?: LongLabels | undefined
}

/** How a detector is asked for what a picture shows. */
export interface SimilarOptions extends RunOptions {
  /** What scores above this is given, 0 to 1; 0.6 by default, for pictures resemble each other more than words. */
  readonly threshold?: number | undefined
  /** Leave out boxes that overlap a surer one by more than this IoU; 0.3 by default, as in the official library. */
  readonly overlap?: number | undefined
  /** What the boxes are called; `similar` by default. */
  readonly label?: string | undefined
}

/** @throws InputError `option-value` */
export function detectSettings(options: DetectOptions) {
  const { threshold = 0.1, overlap, prompt = '{label}', longLabels = 'refuse' } = options
  requireShare('threshold', threshold)
  if (overlap !== undefined) requireShare('overlap', overlap)
  if (!prompt.includes('{label}'))
    throw new InputError(
      'option-value',
      `The prompt '${prompt}' has no place for the label. Write {label} where it stands, as in 'a photo of {label}'.`,
      { option: 'prompt' },
    )
  return { threshold, overlap, prompt, longLabels }
}

/** @throws InputError `option-value` */
export function similarSettings({ threshold = 0.6, overlap = 0.3, label = 'similar' }: SimilarOptions) {
  requireShare('threshold', threshold)
  requireShare('overlap', overlap)
  return { threshold, overlap, label }
}

/** @throws InputError `option-value` unless the value lies between 0 and 1 */
export function requireShare(option: string, value: number): void {
  if (value >= 0 && value <= 1) return
  throw new InputError('option-value', `${option} is ${value}; it must lie between 0 and 1.`, { option })
}
