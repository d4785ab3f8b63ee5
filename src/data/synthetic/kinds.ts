import type { Compose } from './kind.ts'
import { invoice } from './kinds/invoice.ts'
import { line } from './kinds/line.ts'
import { paragraph } from './kinds/paragraph.ts'
import { receipt } from './kinds/receipt.ts'
import { table } from './kinds/table.ts'

/** All kinds of pictures, each in its own file. */
export const kinds = { line, paragraph, receipt, invoice, table } satisfies Readonly<Record<string, Compose>>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly Kind[]
