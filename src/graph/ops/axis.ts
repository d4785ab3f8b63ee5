import { Misfit } from '../op.ts'

/** An axis counted from the front; negative ones count from the end. */
export function wrapAxis(axis: number, rank: number): number {
  const wrapped = axis < 0 ? axis + rank : axis
  if (wrapped < 0 || wrapped >= rank)
    throw new Misfit(`axis ${axis} does not exist in a tensor of rank ${rank}`)
  return wrapped
}
