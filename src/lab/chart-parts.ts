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

/** Lines and labels of shares from 0 to 100 %. */
export function shareAxis({ left, top, width, height }: PlotArea): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const y = fixed(top + height * (1 - share))
      return (
        `<path d="M${left} ${y}h${fixed(width)}" stroke="#ddd"/>` +
        `<text x="${left - 8}" y="${y}" text-anchor="end" dy="4">${100 * share} %</text>`
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
