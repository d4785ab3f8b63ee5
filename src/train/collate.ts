import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { IGNORED, type LabelledSample } from '../text/labels.ts'

/** A labelled text with the pixels of its tiles [n, 3, S, S]. */
export interface Sample extends Pick<LabelledSample, 'inputIds' | 'labels'> {
  readonly pixels: HostTensor<'f32'>
  /** False for the blank tile that stands in for pictures in a text-only sample. */
  readonly hasPictures: boolean
}

/** Samples of one step, B rows of T, and all their tiles along one axis. */
export interface Batch {
  readonly ids: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly attentionMask: readonly (readonly number[])[]
  readonly positions: readonly (readonly number[])[]
  readonly pixels: HostTensor<'f32'>
  /** One for each tile: 1 where its tokens are used. */
  readonly imageFlags: readonly number[]
}

/**
 * Pads samples at the right to the longest: ids with 0, labels with −100; the mask is id ≠ 0, positions count it.
 * Source: InternVL, `patch/pad_data_collator.py`; golden case `internvl-chat-internlm2`.
 */
export function collate(samples: readonly Sample[]): Batch {
  const longest = Math.max(...samples.map((sample) => sample.inputIds.length))
  const padded = (row: readonly number[], value: number): number[] => [
    ...row,
    ...Array<number>(longest - row.length).fill(value),
  ]
  const ids = samples.map((sample) => padded(sample.inputIds, 0))
  const attentionMask = ids.map((row) => row.map((id) => Number(id !== 0)))
  return {
    ids,
    labels: samples.map((sample) => padded(sample.labels, IGNORED)),
    attentionMask,
    positions: samples.map((sample) =>
      padded(
        sample.inputIds.map((_, t) => t),
        0,
      ),
    ),
    pixels: joinTiles(samples.map((sample) => sample.pixels)),
    imageFlags: samples.flatMap(({ pixels, hasPictures }) =>
      Array<number>(pixels.shape[0]!).fill(Number(hasPictures)),
    ),
  }
}

/** Tiles one after the other: [n₁, …] and [n₂, …] … → [Σn, …]. */
export function joinTiles(parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0))
  let offset = 0
  for (const part of parts) {
    data.set(part.data, offset)
    offset += part.data.length
  }
  const tiles = parts.reduce((sum, part) => sum + part.shape[0]!, 0)
  return hostTensor('f32', [tiles, ...parts[0]!.shape.slice(1)], data)
}
