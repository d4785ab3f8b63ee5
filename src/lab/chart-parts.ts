/** Where a chart draws, in pixels of its SVG. */
export interface PlotArea {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** An SVG of this size on white, with a title for those who hear it. */
export function frame(title: string, width: number, height: number, content: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" ` +
    `fill="#333"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>${content}</svg>\n`
  )
}

/** What the height of a chart stands for, from 0 up. */
export interface Axis {
  readonly most: number
  readonly label: (value: number) => string
}

export const shares: Axis = { most: 1, label: (share) => `${100 * share} %` }

/** Lines and labels at the quarters of an axis. */
export function drawAxis({ left, top, width, height }: PlotArea, { most, label }: Axis): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((part) => {
      const y = fixed(top + height * (1 - part))
      return (
        `<path d="M${left} ${y}h${fixed(width)}" stroke="#ddd"/>` +
        `<text x="${left - 8}" y="${y}" text-anchor="end" dy="4">${escaped(label(most * part))}</text>`
      )
    })
    .join('')
}

export function fixed(value: number): string {
  return value.toFixed(1)
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
