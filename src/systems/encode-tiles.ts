import { AbortError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { PreparedConversation, RunOptions } from './system.ts'

/**
 * The features of all tiles, one tile a run: larger batches are slower (engine facts, section 4).
 * `encode`: pixels [1, 3, S, S] → [1, T, H]; the result is [N, T, H].
 * @throws AbortError `aborted` between tiles
 */
export async function encodeTiles(
  { tileCount, pixels }: Pick<PreparedConversation, 'tileCount' | 'pixels'>,
  encode: (pixels: HostTensor<'f32'>) => Promise<HostTensor<'f32'>>,
  { signal, onEvent }: RunOptions,
): Promise<HostTensor<'f32'>> {
  const parts: HostTensor<'f32'>[] = []
  for (let tile = 0; tile < tileCount; tile++) {
    if (signal?.aborted) throw new AbortError('aborted', 'The run was stopped.', { tilesDone: tile })
    onEvent?.({ phase: 'encoding', done: tile, total: tileCount })
    parts.push(await encode(pixels(tile, tile + 1)))
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  const [, T, H] = parts[0]!.shape as [number, number, number]
  const data = new Float32Array(tileCount * T * H)
  for (const [tile, part] of parts.entries()) data.set(part.data, tile * T * H)
  return hostTensor('f32', [tileCount, T, H], data)
}
