import type { Checkpoint, WeightEntry } from '../checkpoint/checkpoint.ts'
import { checkpointOfEntries } from '../checkpoint/entries.ts'
import { bicubicWeights } from '../nn/resize.ts'
import { toFloat32 } from '../tensor/half.ts'
import { type HostTensor, hostTensor, zeros } from '../tensor/tensor.ts'
import { isSwinBuffer } from './swin-config.ts'
import type { VideoSwinConfig } from './video-swin-config.ts'

/**
 * A picture tower's weights as a clip tower begins with them: kernels spread over time, tables of biases over distances
 * in time, all else as it is. Source: Florence (arXiv 2111.11432), section 3.5, and Video Swin `inflate_weights`;
 * golden case `florence-video-inflation`.
 */
export function inflateSwin(pictures: Checkpoint, config: VideoSwinConfig): Checkpoint {
  const entries = pictures
    .keys()
    .filter((key) => !isSwinBuffer(key))
    .map((key): WeightEntry => {
      const entry = pictures.entry(key)
      if (key === 'patch_embed.proj.weight')
        return computed(entry, kernelShape(entry.shape, config.patch_size[0]), (kernel) =>
          inflateKernel(kernel, config.patch_size[0]),
        )
      if (!key.endsWith('.relative_position_bias_table')) return entry
      return computed(entry, tableShape(entry.shape, config.window_size), (table) =>
        inflateTable(table, config.window_size),
      )
    })
  return checkpointOfEntries(`${pictures.name} over time`, entries)
}

/** An entry whose values are made of another's when they are read. */
function computed(
  { key, read }: WeightEntry,
  shape: readonly number[],
  make: (values: HostTensor<'f32'>) => HostTensor<'f32'>,
): WeightEntry {
  return { key, dtype: 'f32', shape, read: async () => make(toFloat32(await read())) }
}

function kernelShape([outputs, channels, ...sides]: readonly number[], frames: number): number[] {
  return [outputs!, channels!, frames, ...sides]
}

/**
 * A kernel [O, C, h, w] at every one of `frames` times, divided by their number: a still clip gives what the picture
 * gave. → [O, C, frames, h, w].
 */
export function inflateKernel(kernel: HostTensor<'f32'>, frames: number): HostTensor<'f32'> {
  const [, , rows, columns] = kernel.shape as [number, number, number, number]
  const area = rows * columns
  const shape = kernelShape(kernel.shape, frames)
  const data = Float32Array.from({ length: kernel.data.length * frames }, (_, i) => {
    const channel = Math.floor(i / (frames * area))
    return kernel.data[channel * area + (i % area)]! / frames
  })
  return hostTensor('f32', shape, data)
}

function tableShape([, heads]: readonly number[], window: readonly number[]): number[] {
  return [window.reduce((count, side) => count * (2 * side - 1), 1), heads!]
}

/**
 * A table of biases [(2w − 1)², heads] for windows [frames, rows, columns]: resized where the window in space is another
 * (bicubic, a = −0.75), then the same for every distance in time.
 */
export function inflateTable(table: HostTensor<'f32'>, window: readonly number[]): HostTensor<'f32'> {
  const [count, heads] = table.shape as [number, number]
  const from = Math.sqrt(count)
  const [times, rows, columns] = window.map((side) => 2 * side - 1) as [number, number, number]
  const [down, across] = [bicubicWeights(from, rows).data, bicubicWeights(from, columns).data]
  const isSame = rows === from && columns === from
  const inflated = zeros('f32', tableShape(table.shape, window))
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let head = 0; head < heads; head++) {
        const at = row * columns + column
        let value = isSame ? table.data[at * heads + head]! : 0
        if (!isSame)
          for (let y = 0; y < from; y++)
            for (let x = 0; x < from; x++)
              value +=
                down[row * from + y]! *
                across[column * from + x]! *
                table.data[(y * from + x) * heads + head]!
        for (let time = 0; time < times; time++)
          inflated.data[(time * rows * columns + at) * heads + head] = value
      }
  return inflated
}
