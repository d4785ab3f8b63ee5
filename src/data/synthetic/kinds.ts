import type { Compose } from './kind.ts'
import { barChart } from './kinds/bar-chart.ts'
import { businessCard } from './kinds/business-card.ts'
import { form } from './kinds/form.ts'
import { invoice } from './kinds/invoice.ts'
import { keyValue } from './kinds/key-value.ts'
import { letterCells, letterChart, looseLetters } from './kinds/letters.ts'
import { line } from './kinds/line.ts'
import { lineChart } from './kinds/line-chart.ts'
import { lines } from './kinds/lines.ts'
import { paragraph } from './kinds/paragraph.ts'
import { pieChart } from './kinds/pie-chart.ts'
import { print } from './kinds/print.ts'
import { receipt } from './kinds/receipt.ts'
import { report } from './kinds/report.ts'
import { shapes } from './kinds/shapes.ts'
import { sign } from './kinds/sign.ts'
import { table } from './kinds/table.ts'
import { terminal } from './kinds/terminal.ts'
import { ticket } from './kinds/ticket.ts'
import { webPage } from './kinds/web-page.ts'
import { words } from './kinds/words.ts'

/** All kinds of pictures, each in its own file. */
export const kinds = {
  'letter-chart': letterChart,
  letters: letterCells,
  'loose-letters': looseLetters,
  print,
  words,
  line,
  lines,
  paragraph,
  receipt,
  invoice,
  form,
  table,
  'key-value': keyValue,
  ticket,
  'business-card': businessCard,
  sign,
  'bar-chart': barChart,
  'line-chart': lineChart,
  'pie-chart': pieChart,
  shapes,
  terminal,
  'web-page': webPage,
  report,
} satisfies Readonly<Record<string, Compose>>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly Kind[]
