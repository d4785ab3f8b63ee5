import type { Compose } from './kind.ts'
import { businessCard } from './kinds/business-card.ts'
import { form } from './kinds/form.ts'
import { invoice } from './kinds/invoice.ts'
import { keyValue } from './kinds/key-value.ts'
import { line } from './kinds/line.ts'
import { paragraph } from './kinds/paragraph.ts'
import { receipt } from './kinds/receipt.ts'
import { table } from './kinds/table.ts'
import { ticket } from './kinds/ticket.ts'

/** All kinds of pictures, each in its own file. */
export const kinds = {
  line,
  paragraph,
  receipt,
  invoice,
  form,
  table,
  'key-value': keyValue,
  ticket,
  'business-card': businessCard,
} satisfies Readonly<Record<string, Compose>>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly Kind[]
