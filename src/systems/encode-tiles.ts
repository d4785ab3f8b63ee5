import { AbortError } from '../tensor/errors.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import type { PreparedConversation, RunOptions } from './system.ts'
import type { VisualTokenCache } from './visual-token-cache.ts'

export interface EncodeTilesOptions {
  readonly cache?: VisualTokenCache
  /** Tiles that give one map of tokens together (S2's crops); 1 by default. */
  readonly tilesPerRun?: number
}

/**
 * The features of all tiles, one tile a run: larger batches are slower (engine facts, section 4). Tiles that were
 * encoded before come from the cache, so that a run which was stopped goes on where it was.
 * `encode`: pixels [tilesPerRun, 3, S, S] → [1, T, H]; the result is [N / tilesPerRun, T, H].
 * @throws AbortError `aborted` between tiles
 */
export async function encodeTiles(
  { tileCount, pixels, tileKeys }: Pick<PreparedConversation, 'tileCount' | 'pixels' | 'tileKeys'>,
  encode: (pixels: HostTensor<'f32'>) => Promise<HostTensor<'f32'>>,
  { signal, onEvent }: RunOptions,
  { cache, tilesPerRun = 1 }: EncodeTilesOptions = {},
): Promise<HostTensor<'f32'>> {
  // Filled tile by tile: joined at the end, 40 MB would hold the event loop.
  let features: HostTensor<'f32'> | undefined
  const keys = cache && (await tileKeys?.())
  for (let tile = 0; tile < tileCount; tile += tilesPerRun) {
    if (signal?.aborted) throw new AbortError('aborted', 'The run was stopped.', { tilesDone: tile })
    const encoded = async () => {
      onEvent?.({ phase: 'encoding', done: tile, total: tileCount })
      return encode(await pixels(tile, tile + tilesPerRun))
    }
    const key = keys?.slice(tile, tile + tilesPerRun).join(' ')
    const map = await (key === undefined ? encoded() : cache!.get(key, encoded))
    const [, T, H] = map.shape as [number, number, number]
    features ??= zeros('f32', [tileCount / tilesPerRun, T, H])
    features.data.set(map.data, (tile / tilesPerRun) * T * H)
    await ownTurn()
  }
  return features!
}
