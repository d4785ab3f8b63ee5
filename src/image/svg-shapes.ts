import { type TextStyle, textPath, textWidth } from './text-path.ts'

/**
 * Colours that stay apart for colour-blind readers (after Okabe and Ito), dark enough on paper and on
 * pictures.
 */
export const palette = {
  green: '#00805e',
  red: '#d1431f',
  blue: '#0067b8',
  purple: '#9a4d92',
  ochre: '#a86a00',
} as const

/** The palette in an order in which neighbours differ most, for things that are only numbered. */
export const distinctColours: readonly string[] = Object.values(palette)

/** An SVG rectangle; its colours come from the group around it. */
export function rectangle(x: number, y: number, width: number, height: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}"/>`
}

/** Shapes outlined twice, light beneath and coloured above, so that they show on any picture. */
export function outlined(
  shapes: string,
  colour: string,
  options: { readonly widthPixels?: number; readonly isTinted?: boolean } = {},
): string {
  const { widthPixels = 2.5, isTinted = false } = options
  const fill = isTinted ? colour : 'none'
  return (
    `<g fill="none" stroke="#fff" stroke-opacity="0.75" stroke-width="${2 * widthPixels}">${shapes}</g>` +
    `<g fill="${fill}" fill-opacity="0.08" stroke="${colour}" stroke-width="${widthPixels}">${shapes}</g>`
  )
}

/** White text on a filled rectangle, and how large it is. */
export interface Badge {
  readonly width: number
  readonly height: number
  /** The drawing with its upper left corner at (x, y). */
  at(x: number, y: number): string
}

/** A badge around one line of bold text. */
export function badge(text: string, colour: string, sizePixels = 15): Badge {
  const style: TextStyle = { sizePixels, isBold: true, colour: '#fff' }
  const margin = sizePixels / 3
  const width = textWidth(text, style) + 2 * margin
  const height = Math.round(sizePixels * 1.4)
  return {
    width,
    height,
    at: (x, y) =>
      `<g fill="${colour}">${rectangle(x, y, width, height)}</g>` +
      textPath(text, x + margin, y + Math.round(sizePixels * 1.06), style),
  }
}
