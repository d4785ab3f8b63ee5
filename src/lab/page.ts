import { Dice } from '../data/synthetic/dice.ts'
import { fontBook } from '../data/synthetic/faces.ts'
import { capital } from '../data/synthetic/grammar.ts'
import { type Box, type Mark, Page, type TextStyle } from '../data/synthetic/page.ts'
import { inkColor, paperColor } from '../data/synthetic/paper.ts'
import { Words } from '../data/synthetic/words.ts'
import { planTiles } from '../tiling/tiling.ts'
import { armTiling } from './arms.ts'

/**
 * Where a page's words lie against the borders of the plain dynamic grid: all of them across one, all of them beside
 * it, or anywhere, as in documents that nobody arranged.
 */
export type Placement = 'crossed' | 'clear' | 'anywhere'

/** Which borders the words of a page are laid on: those between columns of tiles, or those between rows. */
export type Borders = 'columns' | 'rows'

/** A page with a handful of words. */
export interface WordPage {
  readonly page: Page
  readonly borders: Borders
  /** Line by line from the left: what is read off, and where its ink is. */
  readonly words: readonly Mark[]
}

export interface WordPageOptions {
  readonly seed: number
  /** Which of the seed's pages; with the same index, `crossed` and `clear` pages are a pair. */
  readonly index: number
  readonly placement: Placement
  /** Side of the model's tiles; pages and letters are in proportion to it. */
  readonly tileSize: number
}

interface Placed {
  readonly text: string
  /** Left end and baseline. */
  readonly x: number
  readonly y: number
}

/** Columns and rows of the dynamic grid that a page has. */
export const pageShapes = [
  { columns: 3, rows: 2 },
  { columns: 2, rows: 3 },
  { columns: 3, rows: 3 },
] as const

/** After how many pages shapes and borders are in turn again. */
export const pageCycle = 2 * pageShapes.length

/**
 * A page whose words are arranged by the borders of its dynamic grid. Words between columns of tiles are cut through
 * their middle half, words between rows through the middle of the small letters' height. A `clear` page is the
 * `crossed` page of the same seed and index, its words moved together by the fewest whole pixels that take all of them
 * off the border, left or right (up or down): letters, lines and distances are the same to the pixel.
 */
export function wordPage({ seed, index, placement, tileSize }: WordPageOptions): WordPage {
  const dice = new Dice(seed, `page/${index}`)
  const shape = pageShapes[index % pageShapes.length]!
  const borders = Math.floor(index / pageShapes.length) % 2 === 0 ? 'columns' : 'rows'
  // Equal cells give the picture the grid's exact shape, and so that grid.
  const cell = Math.round(tileSize * dice.float(0.92, 1.08))
  const size = { width: shape.columns * cell, height: shape.rows * cell }
  const background = paperColor(dice)
  const style: TextStyle = {
    family: fontBook('training').pick(dice, 'sans', 'serif', 'mono', 'condensed'),
    size: cell * dice.float(0.1, 0.135),
    color: inkColor(dice),
    face: dice.pick(['regular', 'regular', 'bold']),
  }
  const layout = { cell, ...shape, style, margin: Math.ceil(cell / 40) }
  const placed = (borders === 'columns' ? acrossColumns : acrossRows)(layout, dice.fork('words'))
  const draw = (dx: number, dy: number): WordPage => {
    const page = new Page(size.width, size.height, background)
    const words = placed.map(({ text, x, y }) => page.write(text, x + dx, y + dy, style))
    return { page, borders, words }
  }
  const crossed = draw(0, 0)
  if (placement === 'crossed') return crossed
  const boxes = crossed.words.map(({ box }) => box)
  const move = dice.fork('move')
  if (placement === 'clear') {
    const by = stepAside(boxes, borders === 'columns' ? 0 : 1, layout, move.chance(0.5))
    return borders === 'columns' ? draw(by, 0) : draw(0, by)
  }
  const [dx, dy] = [0, 1].map((axis) => anyMove(boxes, axis as Axis, [size.width, size.height], layout, move))
  return draw(dx!, dy!)
}

interface Layout {
  readonly cell: number
  readonly columns: number
  readonly rows: number
  readonly style: TextStyle
  /** Pixels that stay free beside a border. */
  readonly margin: number
}

/** Lines that keep clear of the borders between rows, with a word across each border between columns. */
function acrossColumns({ cell, columns, rows, style }: Layout, dice: Dice): Placed[] {
  const slots = Array.from({ length: 2 * rows }, (_, i) => i)
  const lines = dice.sample(slots, columns > 2 ? 3 : 5).sort((a, b) => a - b)
  const measure = new Page(1, 1)
  return lines.flatMap((slot) => {
    const inCell = slot % 2 === 0 ? 0.3 : 0.72
    const y = Math.round(cell * (Math.floor(slot / 2) + inCell + dice.float(-0.07, 0.07)))
    return Array.from({ length: columns - 1 }, (_, i) => {
      const text = wordWithin(0.58 * cell, style, measure, dice)
      const width = measure.widthOf(text, style)
      return { text, x: (i + 1) * cell - width * dice.float(0.27, 0.73), y }
    })
  })
}

/** Lines on the borders between rows, with a word in the middle of each column. */
function acrossRows({ cell, columns, rows, style, margin }: Layout, dice: Dice): Placed[] {
  const measure = new Page(1, 1)
  return Array.from({ length: rows - 1 }, (_, row) => {
    // Small letters are about half as high as the em.
    const y = Math.round((row + 1) * cell + style.size * 0.5 * dice.float(0.3, 0.7))
    return Array.from({ length: columns }, (_, column) => {
      const text = wordWithin(0.7 * cell, style, measure, dice)
      const width = measure.widthOf(text, style)
      const slack = (cell - width) / 2 - 2 * margin
      return { text, x: (column + 0.5) * cell - width / 2 + dice.float(-slack, slack), y }
    })
  }).flat()
}

/** A word, a name or digits, no wider than `width`. */
function wordWithin(width: number, style: TextStyle, measure: Page, dice: Dice): string {
  const words = new Words(dice)
  for (;;) {
    const text = dice.weighted({ small: 5, capital: 2, capitals: 1, digits: 2 })
    const word = () => {
      for (;;) {
        const found = words.word()
        if (/^[a-z]{4,9}$/.test(found)) return found
      }
    }
    const made =
      text === 'digits'
        ? dice.code(dice.pick(['####', '#####', '##.##', '##-###']))
        : text === 'small'
          ? word()
          : text === 'capital'
            ? capital(word())
            : word().toUpperCase()
    if (measure.widthOf(made, style) <= width) return made
  }
}

type Axis = 0 | 1

/** The fewest whole pixels that take every box off its border, forwards or backwards along an axis. */
function stepAside(boxes: readonly Box[], axis: Axis, { cell, margin }: Layout, isForwards: boolean): number {
  const border = (box: Box) => cell * Math.round((box[axis] + box[axis + 2]!) / 2 / cell)
  const reach = boxes.map((box) => (isForwards ? border(box) - box[axis] : box[axis + 2]! - border(box)))
  const by = Math.ceil(Math.max(...reach) + margin)
  return isForwards ? by : -by
}

/** A move of up to half a cell that leaves all boxes on the page. */
function anyMove(
  boxes: readonly Box[],
  axis: Axis,
  size: readonly number[],
  { cell, margin }: Layout,
  dice: Dice,
): number {
  const first = Math.min(...boxes.map((box) => box[axis]))
  const last = Math.max(...boxes.map((box) => box[axis + 2]!))
  const least = Math.max(-cell / 2, margin - first)
  const most = Math.min(cell / 2, size[axis]! - margin - last)
  return Math.round(dice.float(least, Math.max(least, most)))
}

/** The plan of the plain dynamic grid, whose borders the pages are made for. */
export function plainPlan(size: { readonly width: number; readonly height: number }, tileSize: number) {
  return planTiles(size, armTiling('dynamic', tileSize))
}
