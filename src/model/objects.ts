import type { LabelledBox } from '../image/boxes.ts'
import type { Picture, RunOptions } from '../systems/system.ts'

/** Finds the objects of a picture, for systems that are told of them. */
export interface ObjectFinder {
  find(picture: Picture, run: RunOptions): Promise<readonly LabelledBox[]>
  /** Frees what was loaded for it. */
  dispose(): Promise<void>
}

/**
 * Boxes by picture, in its own pixels: those of a picture that has none here are found; `false` goes without for all.
 */
export type BoxChoice = false | readonly (readonly LabelledBox[] | undefined)[]

/** The boxes of every picture. Without a finder, pictures that were given none have none, which a notice tells. */
export async function boxesOf(
  pictures: readonly Picture[],
  given: BoxChoice | undefined,
  finder: ObjectFinder | undefined,
  run: RunOptions,
): Promise<(readonly LabelledBox[])[]> {
  if (given === false) return pictures.map(() => [])
  const boxes: (readonly LabelledBox[])[] = []
  for (const [i, picture] of pictures.entries())
    boxes.push(given?.[i] ?? (await finder?.find(picture, run)) ?? [])
  if (!finder && pictures.some((_, i) => given?.[i] === undefined))
    run.onEvent?.({
      phase: 'notice',
      message: 'the model is told of no objects: give boxes, or a tagger and a detector that find them',
    })
  return boxes
}
