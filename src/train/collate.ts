import { joinFloats } from '../tensor/join-floats.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { IGNORED, type LabelledSample } from '../text/labels.ts'

/** A labelled text. */
export interface LabelledRow extends Pick<LabelledSample, 'inputIds' | 'labels'> {
  /** Of each token; 0, 1, … by default. */
  readonly positions?: readonly number[]
}

/** A labelled text with the pixels of its tiles [n, 3, S, S]. */
export interface Sample extends LabelledRow {
  readonly pixels: HostTensor<'f32'>
  /** False for the blank tile that stands in for pictures in a text-only sample. */
  readonly hasPictures: boolean
}

/** Texts of one step, B rows of T. */
export interface Rows {
  readonly ids: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly attentionMask: readonly (readonly number[])[]
  readonly positions: readonly (readonly number[])[]
}

/** Samples of one step: their texts, and all their tiles along one axis. */
export interface Batch extends Rows {
  readonly pixels: HostTensor<'f32'>
  /** One for each tile: 1 where its tokens are used. */
  readonly imageFlags: readonly number[]
}

/** The texts of samples padded, their tiles joined. */
export function collate(samples: readonly Sample[]): Batch {
  return {
    ...collateRows(samples),
    pixels: joinTiles(samples.map((sample) => sample.pixels)),
    imageFlags: samples.flatMap(({ pixels, hasPictures }) =>
      Array<number>(pixels.shape[0]!).fill(Number(hasPictures)),
    ),
  }
}

/**
 * Pads texts at the right to the longest: ids with 0, labels with −100; the mask is id ≠ 0, positions count its tokens.
 * Source: InternVL, `patch/pad_data_collator.py`; golden case `internvl-chat-internlm2`.
 */
export function collateRows(samples: readonly LabelledRow[]): Rows {
  const longest = Math.max(...samples.map((sample) => sample.inputIds.length))
  const padded = (row: readonly number[], value: number): number[] => [
    ...row,
    ...Array<number>(longest - row.length).fill(value),
  ]
  const ids = samples.map((sample) => padded(sample.inputIds, 0))
  return {
    ids,
    labels: samples.map((sample) => padded(sample.labels, IGNORED)),
    attentionMask: ids.map((row) => row.map((id) => Number(id !== 0))),
    positions: samples.map((sample) => padded(sample.positions ?? sample.inputIds.map((_, t) => t), 0)),
  }
}

/** Tiles one after the other: [n₁, …] and [n₂, …] … → [Σn, …]. */
export function joinTiles(parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const data = joinFloats(parts.map((part) => part.data))
  const tiles = parts.reduce((sum, part) => sum + part.shape[0]!, 0)
  return hostTensor('f32', [tiles, ...parts[0]!.shape.slice(1)], data)
}
