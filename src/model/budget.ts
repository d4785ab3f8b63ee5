import type { CompressionOptions, Conversation, PreparedConversation, System } from '../systems/system.ts'
import { InputError } from '../tensor/errors.ts'
import type { TilingOptions } from '../tiling/tiling.ts'

/** The most that a question may take until its answer begins. */
export type Budget =
  | { readonly kind: 'seconds'; readonly most: number }
  | { readonly kind: 'tokens'; readonly most: number }

/** `10s`, `1.5min` or `4000-tokens`. @throws InputError `budget` */
export function parseBudget(text: string): Budget {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)[ -]?(s|sec|seconds|min|minutes|tokens)$/.exec(text.trim()) ?? []
  const most = Number(amount)
  if (!unit || most <= 0)
    throw new InputError('budget', `'${text}' is no budget. Write 10s, 2min or 4000-tokens.`, {
      found: text,
    })
  if (unit === 'tokens') return { kind: 'tokens', most }
  return { kind: 'seconds', most: unit.startsWith('min') ? most * 60 : most }
}

/** A way to look at the pictures. */
export interface Look {
  readonly tiling: TilingOptions
  readonly compression: CompressionOptions | undefined
  readonly prepared: PreparedConversation
}

/**
 * The look with the most tiles that fits a budget, uncompressed rather than compressed where both do.
 * @param cost what a look takes, in the budget's unit
 * @throws InputError `budget-too-small`, which tells the least
 */
export function fitBudget(
  system: System,
  conversation: Conversation,
  budget: Budget,
  cost: (prepared: PreparedConversation) => number,
): Look {
  let cheapest: { look: Look; cost: number } | undefined
  for (const look of looks(system, conversation)) {
    const taken = cost(look.prepared)
    if (taken <= budget.most) return look
    if (!cheapest || taken < cheapest.cost) cheapest = { look, cost: taken }
  }
  const least = cheapest!.cost
  throw new InputError(
    'budget-too-small',
    `Nothing fits a budget of ${budget.most} ${budget.kind}: the least that ${system.name} takes is ` +
      `${budget.kind === 'tokens' ? least : least.toFixed(1)} ${budget.kind}, with ` +
      `${cheapest!.look.prepared.tileCount} tiles. Raise the budget, or use a faster precision.`,
    { budget, least },
  )
}

/** Every look from the finest to the coarsest: fewer and fewer tiles, each without and with compression. */
function* looks(system: System, conversation: Conversation): Generator<Look> {
  let tiles = Number.POSITIVE_INFINITY
  for (const tiling of tilings(conversation.tiling ?? system.tiling)) {
    const plain = look(system, conversation, tiling, conversation.compression)
    if (plain.prepared.tileCount >= tiles) continue
    tiles = plain.prepared.tileCount
    yield plain
    if (conversation.compression || !system.canCompress || tiling.strategy !== 'msac') continue
    yield look(system, conversation, tiling, { mode: 'official' })
  }
}

function look(
  system: System,
  conversation: Conversation,
  tiling: TilingOptions,
  compression: CompressionOptions | undefined,
): Look {
  return { tiling, compression, prepared: system.prepare({ ...conversation, tiling, compression }) }
}

/** A tiling and those like it with fewer tiles. */
function* tilings(tiling: TilingOptions): Generator<TilingOptions> {
  yield tiling
  if (tiling.strategy === 'dynamic') {
    const { minTiles = 1, maxTiles = 12 } = tiling
    for (let most = maxTiles - 1; most >= 1; most--)
      yield { ...tiling, maxTiles: most, minTiles: Math.min(minTiles, most) }
  }
  if (tiling.strategy === 'msac')
    for (let most = 24; most >= 1; most--) {
      const [fewest, adaptive] = [Math.min(4, most), Math.min(7, most)]
      yield {
        ...tiling,
        detailed: { min: fewest, max: most },
        adaptive: { min: Math.min(3, most), max: adaptive },
      }
    }
}
