import { boldGlyphs, type GlyphTable, regularGlyphs } from './glyphs.ts'

/** How a line of text is set. */
export interface TextStyle {
  /** Height of the em in pixels. */
  readonly sizePixels: number
  readonly isBold?: boolean
  readonly colour: string
}

/** Width in pixels of one line. Characters without a glyph count as `?`. */
export function textWidth(text: string, style: Omit<TextStyle, 'colour'>): number {
  const glyphs = style.isBold ? boldGlyphs : regularGlyphs
  let units = 0
  for (const character of text) units += glyphOf(glyphs, character).advance
  return (units * style.sizePixels) / 1000
}

/** An SVG group that draws one line with its baseline starting at (x, y), as outlines that need no font. */
export function textPath(text: string, x: number, y: number, style: TextStyle): string {
  const glyphs = style.isBold ? boldGlyphs : regularGlyphs
  let advance = 0
  let shapes = ''
  for (const character of text) {
    const glyph = glyphOf(glyphs, character)
    if (glyph.path !== '') shapes += `<path transform="translate(${advance})" d="${glyph.path}"/>`
    advance += glyph.advance
  }
  const scale = style.sizePixels / 1000
  return `<g fill="${style.colour}" transform="translate(${x} ${y}) scale(${scale})">${shapes}</g>`
}

/** The text, cut with an ellipsis where it would be wider than `width` pixels. */
export function fitText(text: string, width: number, style: Omit<TextStyle, 'colour'>): string {
  if (textWidth(text, style) <= width) return text
  const room = width - textWidth('…', style)
  let kept = ''
  let used = 0
  for (const character of text) {
    used += textWidth(character, style)
    if (used > room) break
    kept += character
  }
  return `${kept.trimEnd()}…`
}

function glyphOf(glyphs: GlyphTable, character: string): { advance: number; path: string } {
  const glyph = glyphs[character] ?? glyphs['?']!
  const space = glyph.indexOf(' ')
  return { advance: Number(glyph.slice(0, space)), path: glyph.slice(space + 1) }
}
