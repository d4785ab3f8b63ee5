import type { Normalisation } from '../image/normalise.ts'
import { pictureKey } from '../image/picture-key.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { CopyTurns } from '../tensor/turns.ts'
import { NEWLINE } from '../tiling/any-res-tokens.ts'
import { pixelValuesInTurns } from '../tiling/pixel-values.ts'
import type { TilePlan } from '../tiling/plan.ts'
import type { Picture, VisualSpan } from './system.ts'

/**
 * The normalised pixels of tiles numbered through all pictures, made when they are asked for, in turns with the event
 * loop: of the last picture alone its resized copies are held.
 */
export function tilePixels(
  pictures: readonly Picture[],
  plans: readonly TilePlan[],
  normalisation: Normalisation,
): (from: number, to: number) => Promise<HostTensor<'f32'>> {
  let held: { picture: number; pixels: (tile: number) => Promise<HostTensor<'f32'>> } | undefined
  const ofPicture = (picture: number): ((tile: number) => Promise<HostTensor<'f32'>>) => {
    if (held?.picture !== picture)
      held = { picture, pixels: pixelValuesInTurns(pictures[picture]!.image, plans[picture]!, normalisation) }
    return held.pixels
  }
  const owners = plans.flatMap((plan, picture) => plan.tiles.map((tile) => ({ picture, tile: tile.index })))
  return async (from, to) => {
    const tiles: HostTensor<'f32'>[] = []
    for (const { picture, tile } of owners.slice(from, to)) tiles.push(await ofPicture(picture)(tile))
    if (tiles.length === 1) return tiles[0]!
    const data = new Float32Array(tiles.length * tiles[0]!.data.length)
    for (const [i, tile] of tiles.entries()) data.set(tile.data, i * tile.data.length)
    return hostTensor('f32', [tiles.length, ...tiles[0]!.shape.slice(1)], data)
  }
}

/** Names for what the tiles show, numbered through all pictures: equal for equal pixels, cut in the same way. */
export function tileKeys(
  pictures: readonly Picture[],
  plans: readonly TilePlan[],
): () => Promise<readonly string[]> {
  return async () => {
    const keys = await Promise.all(pictures.map(({ image }) => pictureKey(image)))
    return plans.flatMap(({ frame, groups, tiles }, picture) =>
      tiles.map(({ group, row, column }) => {
        const { resizedTo, tile, stride, floatFrom, canvas } = groups[group]!
        const corner = [column * stride.width, row * stride.height]
        return `${keys[picture]} ${JSON.stringify({ frame, resizedTo, floatFrom, canvas, tile, corner })}`
      }),
    )
  }
}

/**
 * Where each tile's tokens stand, given that the placeholders of all tiles come in order in the prompt. Of tiles that give
 * one map of tokens together (S2's crops) the first, which shows the whole picture, stands for all.
 */
export function visualSpans(
  placeholders: readonly number[],
  plans: readonly TilePlan[],
  tokensPerTile: number,
  tilesPerMap = 1,
): VisualSpan[] {
  let next = 0
  return plans.flatMap((plan, picture) =>
    plan.tiles
      .filter(({ index }) => index % tilesPerMap === 0)
      .map((tile) => {
        const start = placeholders[next]!
        next += tokensPerTile
        return { picture, tile: tile.index, start, end: start + tokensPerTile }
      }),
  )
}

/**
 * Where the tokens of one picture stand when its tiles are merged in space: a span for each stretch of one tile.
 * @param order the picture's tokens as `anyResTokens` gives them
 * @param start position of the first of them in the prompt
 */
export function mergedSpans(
  order: readonly number[],
  tokensPerTile: number,
  picture: number,
  start: number,
): VisualSpan[] {
  const spans: VisualSpan[] = []
  for (let from = 0; from < order.length; ) {
    const first = order[from]!
    const tile = Math.floor(first / tokensPerTile)
    const left = (tile + 1) * tokensPerTile - first
    let length = 1
    while (length < left && order[from + length] === first + length) length++
    if (first !== NEWLINE)
      spans.push({
        picture,
        tile,
        start: start + from,
        end: start + from + length,
        ...(first % tokensPerTile > 0 && { firstToken: first % tokensPerTile }),
      })
    from += length
  }
  return spans
}

/**
 * Tokens in another order, with the newline where it stands. features [N, T, H], newline [H] → [order, H].
 */
export function orderTokens(
  features: HostTensor<'f32'>,
  order: readonly number[],
  newline: Float32Array,
): HostTensor<'f32'> {
  const width = features.shape[2]!
  const data = new Float32Array(order.length * width)
  for (const [i, token] of order.entries())
    data.set(
      token === NEWLINE ? newline : features.data.subarray(token * width, (token + 1) * width),
      i * width,
    )
  return hostTensor('f32', [order.length, width], data)
}

/**
 * Writes visual tokens over their placeholders, in order, in place, in turns with the event loop.
 * embeddings [1, L, H]; features [..., H]; the prompt has as many tokens `contextId`.
 */
export async function writeVisualTokens(
  embeddings: HostTensor<'f32'>,
  features: HostTensor<'f32'>,
  promptIds: readonly number[],
  contextId: number,
): Promise<void> {
  const width = embeddings.shape[2]!
  const turns = new CopyTurns()
  let next = 0
  for (const [position, id] of promptIds.entries()) {
    if (id !== contextId) continue
    embeddings.data.set(features.data.subarray(next, next + width), position * width)
    next += width
    await turns.moved(4 * width)
  }
}

/** Tokens at the positions, in turns with the event loop. [1, L, H] → [1, positions, H]. */
export async function selectTokens(
  x: HostTensor<'f32'>,
  positions: readonly number[],
): Promise<HostTensor<'f32'>> {
  const width = x.shape[2]!
  const data = new Float32Array(positions.length * width)
  const turns = new CopyTurns()
  for (const [i, position] of positions.entries()) {
    data.set(x.data.subarray(position * width, (position + 1) * width), i * width)
    await turns.moved(4 * width)
  }
  return hostTensor('f32', [1, positions.length, width], data)
}

/**
 * Prompts of different lengths as one batch, filled at the left with the embedding of the padding token [1, 1, H].
 * B prompts [1, L, H] → [B, longest, H] and the padding of each.
 */
export function padLeft(
  rows: readonly HostTensor<'f32'>[],
  filler: HostTensor<'f32'>,
): { embeddings: HostTensor<'f32'>; padding: number[] } {
  const width = filler.shape[2]!
  const longest = Math.max(...rows.map((row) => row.shape[1]!))
  const padding = rows.map((row) => longest - row.shape[1]!)
  const only = rows.length === 1 ? rows[0] : undefined
  if (only) return { embeddings: only, padding }
  const data = new Float32Array(rows.length * longest * width)
  rows.forEach((row, b) => {
    for (let t = 0; t < padding[b]!; t++) data.set(filler.data, (b * longest + t) * width)
    data.set(row.data, (b * longest + padding[b]!) * width)
  })
  return { embeddings: hostTensor('f32', [rows.length, longest, width], data), padding }
}
