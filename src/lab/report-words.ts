import type { MeanInterval } from '../eval/mean-interval.ts'

/** A Markdown table; all columns but the first are aligned to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** Below this share of words read where nothing hinders, differences say nothing. */
export const readingFloor = 0.1

/** What is concluded below the floor. */
export function nothingRead(share: number): string {
  return (
    `- At best ${percent(share)} of the words are read where nothing hinders: the model does not read well enough for ` +
    'these figures to say anything.'
  )
}

/** `12.3 %` of a share. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** `12.3 % [10.1, 14.5]` of shares. */
export function percentage({ mean, interval }: MeanInterval): string {
  return interval ? `${percent(mean)} ${bounds(interval)}` : percent(mean)
}

/** `+12.3 points [10.1, 14.5]` of a difference of shares. */
export function points({ mean, interval }: MeanInterval): string {
  const signed = `${mean < 0 ? '−' : '+'}${Math.abs(100 * mean).toFixed(1)} points`
  return interval ? `${signed} ${bounds(interval)}` : signed
}

function bounds([low, high]: readonly [number, number]): string {
  return `[${[low, high].map((value) => (100 * value).toFixed(1).replace('-', '−')).join(', ')}]`
}
