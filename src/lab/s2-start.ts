import { join } from 'node:path'
import { checkpointOfEntries } from '../checkpoint/entries.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import { readModel } from '../systems/read-model.ts'
import { toFloat32 } from '../tensor/half.ts'
import { type HostTensor, hostTensor, zeros } from '../tensor/tensor.ts'
import { exportModel } from '../train/export.ts'

/**
 * Writes an InternVL checkpoint whose projector takes S2's scales side by side. The smallest scale has the old
 * weights and the others zeros, so that training starts from the same state as with one tile; only the projector's
 * norm, which now runs over all scales, is shared out anew: each scale gets its old gains and offsets.
 * @param sides of the scales' pictures in pixels, the tile size first
 */
export async function writeS2Start(
  source: FileSource,
  folder: string,
  sides: readonly number[],
): Promise<void> {
  const { config, checkpoint } = await readModel(source)
  const scales = sides.length
  const width = (config as { vision_config: { hidden_size: number } }).vision_config.hidden_size
  const entries = checkpoint.keys().map((key) => {
    const entry = checkpoint.entry(key)
    const [, layer] = /^mlp1\.(0\.weight|0\.bias|1\.weight)$/.exec(key) ?? []
    if (!layer) return entry
    const fill = layer === '1.weight' ? 'zeros' : 'same'
    const shape = [...entry.shape.slice(0, -1), entry.shape.at(-1)! * scales]
    const read = async () => widened(toFloat32(await entry.read()), width, scales, fill)
    return { key, dtype: 'f32' as const, shape, read }
  })
  await exportModel(folder, source, checkpointOfEntries(checkpoint.name, entries), new Map())
  const text = JSON.stringify({ ...(config as object), s2_scales: sides.join(',') }, null, 2)
  await writeWhole(join(folder, 'config.json'), [Buffer.from(`${text}\n`)])
}

/** Rows of blocks of C channels become rows of blocks of C·scales: [.., blocks·C] → [.., blocks·scales·C]. */
function widened(
  { shape, data }: HostTensor<'f32'>,
  C: number,
  scales: number,
  fill: 'zeros' | 'same',
): HostTensor<'f32'> {
  const wide = [...shape.slice(0, -1), shape.at(-1)! * scales]
  if (fill === 'zeros') {
    const out = zeros('f32', wide)
    for (let from = 0; from < data.length; from += C)
      out.data.set(data.subarray(from, from + C), from * scales)
    return out
  }
  const out = new Float32Array(data.length * scales)
  for (let from = 0; from < data.length; from += C)
    for (let scale = 0; scale < scales; scale++)
      out.set(data.subarray(from, from + C), from * scales + scale * C)
  return hostTensor('f32', wide, out)
}
