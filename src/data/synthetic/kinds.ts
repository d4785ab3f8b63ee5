import type { Compose } from './kind.ts'
import { receipt } from './kinds/receipt.ts'

/** All kinds of pictures, each in its own file. */
export const kinds = { receipt } satisfies Readonly<Record<string, Compose>>

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly Kind[]
