import { InputError } from '../tensor/errors.ts'
import type { QuantisedForm } from './quantised-weights.ts'

/**
 * How the products of weights are computed. `fp32`: as the official implementations, from the original file. `int8`:
 * 8-bit activations with a scale a row times 8-bit weights with a scale a column. `int4`: 4-bit weights in blocks for
 * few rows (decoding), `int8` for many (reading the prompt), because 4-bit blocks have no fast product for many rows.
 */
export type Precision = 'fp32' | 'int8' | 'int4'

/** The precision of each part of a system. */
export interface Precisions {
  /** Vision towers, projectors, detectors: everything that works on many rows only. */
  readonly vision: Exclude<Precision, 'int4'>
  readonly decoder: Precision
}

/** What a program is, as far as its precision goes. */
export type Part = 'vision' | 'decoder' | 'head'

export const precisionNames: readonly Precision[] = ['fp32', 'int8', 'int4']

/**
 * A precision for all parts, or one each (fp32 where nothing is said). `int4` makes the vision tower int8.
 * @throws InputError `option-value`
 */
export function precisionsOf(choice: Precision | Partial<Precisions>): Precisions {
  if (typeof choice !== 'string') {
    const { vision = 'fp32', decoder = 'fp32' } = choice
    if (vision !== 'fp32' && vision !== 'int8')
      throw new InputError(
        'option-value',
        `The precision of the vision tower is '${vision}'; it must be fp32 or int8. A tower multiplies many rows at ` +
          'once, for which 4-bit blocks are slower than fp32.',
      )
    return { vision, decoder: checked(decoder) }
  }
  const decoder = checked(choice)
  return { vision: decoder === 'int4' ? 'int8' : decoder, decoder }
}

function checked(name: Precision): Precision {
  if (precisionNames.includes(name)) return name
  throw new InputError(
    'option-value',
    `There is no precision '${name}'. Known are ${precisionNames.join(', ')}.`,
    { known: precisionNames },
  )
}

/** The form of a program's products by the number of its rows; undefined is float32. */
export interface PartForms {
  readonly many: QuantisedForm | undefined
  readonly few: QuantisedForm | undefined
}

/**
 * The forms of one part. The output head stays int8 in int4: the error of its products is the error of the logits,
 * with no later layer to average it out, and at 5 % of the weights the half byte would save 3 ms of a token.
 */
export function formsOf(part: Part, { vision, decoder }: Precisions): PartForms {
  const precision = part === 'vision' ? vision : decoder
  if (precision === 'fp32') return { many: undefined, few: undefined }
  return { many: 'int8', few: precision === 'int4' && part === 'decoder' ? 'int4' : 'int8' }
}
