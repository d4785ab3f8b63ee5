import type { Canvas } from '../image/canvas.ts'
import { checkSize, type Size } from '../image/rgb-image.ts'

/** Columns and rows of tiles. */
export interface Grid {
  readonly columns: number
  readonly rows: number
}

/** A rectangle of the original picture, in its pixels, possibly between them; x1 and y1 are exclusive. */
export interface Rectangle {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** What a group of tiles is for. */
export type GroupName = 'tiles' | 'detailed' | 'adaptive' | 'global' | 'thumbnail' | `scale-${number}`

/** Tiles cut from one resized copy of the picture. */
export interface TileGroup extends Grid {
  readonly name: GroupName
  /** The copy's size. The copy is always made from the original picture, never from another group's copy. */
  readonly resizedTo: Size
  /** The size of each tile in the copy. */
  readonly tile: Size
  /**
   * Pixels of the copy between the corners of neighbouring tiles; smaller than the tile where tiles overlap.
   */
  readonly stride: Size
  /**
   * Set where the published code makes this copy in float, by torch's bicubic, out of one normalised picture
   * of this size (itself resized by Pillow's bicubic); `tilePixelValues` does the same.
   */
  readonly floatFrom?: Size
  /** Set where the tiles are cut not from the copy itself but from a canvas that it is laid on (any-res). */
  readonly canvas?: Canvas
}

/** One tile: its place in the sequence and what it shows. */
export interface Tile {
  /** Position in the order in which the model sees the tiles. */
  readonly index: number
  /** Index into the plan's groups. */
  readonly group: number
  readonly row: number
  readonly column: number
  /** The part of the original picture that it covers. */
  readonly source: Rectangle
}

/** How one picture is looked at: plain data, made without touching a pixel. */
export interface TilePlan {
  readonly strategy: string
  readonly original: Size
  /** The side of the tiles that the vision tower gets, in pixels. */
  readonly tileSize: number
  /** Set where the picture is laid on a canvas before every other step (padded to a square). */
  readonly frame?: Canvas
  /** In the order in which the model sees them. */
  readonly groups: readonly TileGroup[]
  readonly tiles: readonly Tile[]
  /** The detailed group's grid, 1×1 included, which Mini-Monkey's token compression needs. */
  readonly detailedGrid?: Grid
}

/** A group of `grid` tiles without overlap. */
export function gridGroup(name: GroupName, grid: Grid, tileSize: number): TileGroup {
  const tile = { width: tileSize, height: tileSize }
  return {
    name,
    columns: grid.columns,
    rows: grid.rows,
    resizedTo: { width: grid.columns * tileSize, height: grid.rows * tileSize },
    tile,
    stride: tile,
  }
}

/** The whole picture, resized to one tile. */
export function wholeGroup(name: GroupName, tileSize: number): TileGroup {
  return gridGroup(name, { columns: 1, rows: 1 }, tileSize)
}

/**
 * A plan of these groups in this order, each row by row from the left.
 * @throws InputError `image-size`
 */
export function makePlan(
  strategy: string,
  original: Size,
  tileSize: number,
  groups: readonly TileGroup[],
  extras: Pick<TilePlan, 'detailedGrid' | 'frame'> = {},
): TilePlan {
  checkSize(original)
  // A picture's width and height may be getters, which no spread copies.
  const size = { width: original.width, height: original.height }
  const tiles: Tile[] = []
  for (const [index, group] of groups.entries())
    for (let row = 0; row < group.rows; row++)
      for (let column = 0; column < group.columns; column++)
        tiles.push({
          index: tiles.length,
          group: index,
          row,
          column,
          source: within(extent(size, extras.frame, group, column, row), size),
        })
  return { strategy, original: size, tileSize, groups, tiles, ...extras }
}

/** Where the borders of tiles are, in pixels of the picture: beyond it where a tile shows a canvas around it, too. */
export function tileExtents({ original, frame, groups, tiles }: TilePlan): Rectangle[] {
  return tiles.map(({ group, column, row }) => extent(original, frame, groups[group]!, column, row))
}

function extent(
  original: Size,
  frame: Canvas | undefined,
  { resizedTo, tile, stride, canvas }: TileGroup,
  column: number,
  row: number,
): Rectangle {
  const framed = frame ?? { ...original, x: 0, y: 0 }
  const left = column * stride.width - (canvas?.x ?? 0)
  const top = row * stride.height - (canvas?.y ?? 0)
  // Multiplied before divided, so that the last tile ends at the picture's very edge.
  const x = (at: number) => (at * framed.width) / resizedTo.width - framed.x
  const y = (at: number) => (at * framed.height) / resizedTo.height - framed.y
  return { x0: x(left), y0: y(top), x1: x(left + tile.width), y1: y(top + tile.height) }
}

/** What a tile shows of the picture itself: canvases around it belong to no tile's source. */
function within({ x0, y0, x1, y1 }: Rectangle, { width, height }: Size): Rectangle {
  return { x0: clamp(x0, width), y0: clamp(y0, height), x1: clamp(x1, width), y1: clamp(y1, height) }
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value))
}

/** Number of tiles of one group. */
export function groupTiles(group: TileGroup): number {
  return group.columns * group.rows
}

/**
 * Visual tokens of one full tile where nobody says otherwise: patches of 14 pixels, folded two by two, but in LLaVA's
 * tilings one token a patch.
 */
export function usualTokensPerTile({ strategy, tileSize }: Pick<TilePlan, 'strategy' | 'tileSize'>): number {
  const side = strategy === 'square' || strategy === 'anyres' ? 14 : 28
  return Math.round((tileSize / side) ** 2)
}
