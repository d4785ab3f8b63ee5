import type { Size } from '../image/rgb-image.ts'
import { badge, distinctColours, outlined, palette, rectangle } from '../image/svg-shapes.ts'
import { fitText, type TextStyle, textPath } from '../image/text-path.ts'
import { groupTiles, type Rectangle, type TileGroup, type TilePlan, usualTokensPerTile } from './plan.ts'

/** How an overlay is drawn. */
export interface OverlayOptions {
  /**
   * Visual tokens that one full tile becomes; default `usualTokensPerTile`.
   */
  readonly tokensPerTile?: number
  /** What to call the picture in the title; default nothing. */
  readonly title?: string
}

/** A drawing of a plan: an SVG of paths alone, and where the picture itself goes beneath it. */
export interface Overlay extends Size {
  readonly svg: string
  readonly background: readonly [number, number, number]
  /** One copy of the picture for each group, all of one size. */
  readonly pictures: readonly { readonly x: number; readonly y: number }[]
  readonly picture: Size
}

const ink = '#1f1d1a'
const muted = '#6b6760'
const background = [250, 249, 246] as const
const margin = 36
const gap = 36
const titleHeight = 84
const captionHeight = 104
const box = { width: 560, height: 560 }
/** A caption needs this much even under a narrow picture. */
const narrowest = 250

const colours: Record<string, string> = {
  detailed: palette.red,
  tiles: palette.red,
  adaptive: palette.blue,
  global: palette.green,
  thumbnail: palette.green,
}

/**
 * What the model will see of a picture: for each group of tiles a copy of it with the group's cuts and the
 * tiles' places in the sequence, and a caption with grid, tiles and tokens. Pure geometry; `drawTiling`
 * paints it.
 */
export function tilingOverlay(plan: TilePlan, options: OverlayOptions = {}): Overlay {
  const picture = pictureSize(plan.original)
  const panelWidth = Math.max(picture.width, narrowest)
  const width = margin * 2 + plan.groups.length * panelWidth + (plan.groups.length - 1) * gap
  const height = margin + titleHeight + picture.height + captionHeight
  const pictures: { x: number; y: number }[] = []
  let shapes = title(plan, options, width - 2 * margin)
  for (const [index, group] of plan.groups.entries()) {
    const left = margin + index * (panelWidth + gap)
    const place = { x: left, y: margin + titleHeight }
    const colour = colours[group.name] ?? distinctColours[index % distinctColours.length]!
    pictures.push(place)
    shapes += cuts(plan, index, colour, place, picture)
    shapes += caption(plan, index, colour, options, left, place.y + picture.height, panelWidth)
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes}</svg>`
  return { width, height, svg, background, pictures, picture }
}

function pictureSize({ width, height }: Size): Size {
  const scale = Math.min(box.width / width, box.height / height)
  return { width: Math.max(12, Math.round(width * scale)), height: Math.max(12, Math.round(height * scale)) }
}

function title(plan: TilePlan, options: OverlayOptions, width: number): string {
  const name = { sizePixels: 30, isBold: true, colour: ink }
  const totals = { sizePixels: 21, colour: muted }
  const tokens = plan.groups.reduce((sum, group) => sum + groupTokens(group, plan, options), 0)
  const { width: w, height: h } = plan.original
  const heading = fitText(options.title ?? `${plan.strategy} tiling`, width, name)
  const counts = [plural(plan.tiles.length, 'tile'), plural(tokens, 'token')]
  const line = [`${count(w)} × ${count(h)} pixels`, ...counts].join(' · ')
  return (
    textPath(heading, margin, margin + 24, name) +
    textPath(fitText(line, width, totals), margin, margin + 58, totals)
  )
}

function caption(
  plan: TilePlan,
  index: number,
  colour: string,
  options: OverlayOptions,
  left: number,
  top: number,
  width: number,
): string {
  const group = plan.groups[index]!
  const first = plan.tiles.findIndex((tile) => tile.group === index) + 1
  const last = first + groupTiles(group) - 1
  const places = first === last ? `tile ${first}` : `tiles ${first}–${last}`
  const { width: w, height: h } = group.resizedTo
  const lines: [text: string, style: TextStyle][] = [
    [`${group.name}  ${group.columns} × ${group.rows}`, { sizePixels: 22, isBold: true, colour }],
    [`${places} · ${plural(groupTokens(group, plan, options), 'token')}`, { sizePixels: 18, colour: ink }],
    [`resized to ${w} × ${h}`, { sizePixels: 18, colour: muted }],
  ]
  return lines
    .map(([text, style], i) => textPath(fitText(text, width, style), left, top + 34 + i * 25, style))
    .join('')
}

/** The outline of every tile and its number. */
function cuts(
  plan: TilePlan,
  index: number,
  colour: string,
  place: { x: number; y: number },
  picture: Size,
): string {
  const group = plan.groups[index]!
  const isOverlapping = group.stride.width < group.tile.width || group.stride.height < group.tile.height
  let outlines = ''
  let labels = ''
  for (const tile of plan.tiles) {
    if (tile.group !== index) continue
    const cell = onPanel(tile.source, plan.original, place, picture)
    const [w, h] = [cell.x1 - cell.x0, cell.y1 - cell.y0]
    outlines += rectangle(cell.x0, cell.y0, w, h)
    const room = isOverlapping
      ? { w: (w * group.stride.width) / group.tile.width, h: (h * group.stride.height) / group.tile.height }
      : { w, h }
    labels += label(String(tile.index + 1), cell, room, colour)
  }
  // Where windows overlap, the tint is deeper.
  return outlined(outlines, colour, { isTinted: isOverlapping }) + labels
}

function onPanel(
  source: Rectangle,
  original: Size,
  place: { x: number; y: number },
  picture: Size,
): Rectangle {
  const x = (value: number) => Math.round(place.x + (value * picture.width) / original.width)
  const y = (value: number) => Math.round(place.y + (value * picture.height) / original.height)
  return { x0: x(source.x0), y0: y(source.y0), x1: x(source.x1), y1: y(source.y1) }
}

/** A number in the tile's upper left corner, left out where there is no room for it. */
function label(text: string, cell: Rectangle, room: { w: number; h: number }, colour: string): string {
  const number = badge(text, colour)
  const isRoom = room.w >= number.width + 4 && room.h >= number.height + 3
  return isRoom ? number.at(cell.x0, cell.y0) : ''
}

/** Tiles of another size than the plan's (S2 crops) have tokens in proportion to their area. */
function groupTokens(group: TileGroup, plan: TilePlan, options: OverlayOptions): number {
  const full = options.tokensPerTile ?? usualTokensPerTile(plan)
  const share = (group.tile.width * group.tile.height) / plan.tileSize ** 2
  return Math.round(groupTiles(group) * full * share)
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}
