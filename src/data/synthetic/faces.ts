import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { GlobalFonts } from '@napi-rs/canvas'
import { EngineError } from '../../tensor/errors.ts'
import type { Dice } from './dice.ts'

/** Training pictures never use a held-out font, so that reading can be measured on letters nobody learned. */
export type FontSet = 'training' | 'held-out'
export type FontCategory = 'sans' | 'condensed' | 'serif' | 'mono' | 'display' | 'hand'

/** The faces of one design; each is a canvas font family of its own. */
export interface Family {
  readonly name: string
  readonly set: FontSet
  readonly category: FontCategory
  readonly regular: string
  readonly bold: string
  readonly italic: string
  /** Its small letters look like capitals, so its texts are written in capitals. */
  readonly isCapsOnly: boolean
}

interface Entry {
  readonly name: string
  readonly set: FontSet
  readonly category: FontCategory
  readonly styles: readonly string[]
  readonly isCapsOnly?: boolean
}

const folder = new URL('../../../fonts/', import.meta.url)
const books = new Map<FontSet, FontBook>()

/** The families of one set, loaded once. */
export function fontBook(set: FontSet): FontBook {
  const known = books.get(set)
  if (known) return known
  const entries = JSON.parse(readFileSync(new URL('fonts.json', folder), 'utf8')) as Entry[]
  const book = new FontBook(entries.filter((entry) => entry.set === set).map(loadFamily))
  books.set(set, book)
  return book
}

export class FontBook {
  readonly families: readonly Family[]

  constructor(families: readonly Family[]) {
    this.families = families
  }

  /** A family of one of these categories. */
  pick(dice: Dice, ...categories: readonly FontCategory[]): Family {
    const category = dice.pick(categories)
    return dice.pick(this.families.filter((family) => family.category === category))
  }
}

/** @throws EngineError `font-unreadable` */
function loadFamily({ name, set, category, styles, isCapsOnly = false }: Entry): Family {
  for (const style of styles) {
    const path = fileURLToPath(new URL(`${set}/${name}-${style}.woff2`, folder))
    if (!GlobalFonts.registerFromPath(path, `${name}-${style}`))
      throw new EngineError('font-unreadable', `The canvas library cannot read the font ${path}.`, { path })
  }
  const face = (fits: (style: string) => boolean) => `${name}-${styles.find(fits) ?? styles[0]}`
  return {
    name,
    set,
    category,
    regular: face((style) => style === '400'),
    bold: face((style) => style === '600' || style === '700'),
    italic: face((style) => style.endsWith('italic')),
    isCapsOnly,
  }
}
