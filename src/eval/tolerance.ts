import type { Answered } from './answered.ts'

/** A number as it is printed in a chart. */
export interface Quantity {
  readonly value: number
  /** What stands around the number (`%`, `$`, `kg`), without spaces; empty where nothing does. */
  readonly unit: string
}

/**
 * Whether a given number lies within a share of the expected one (ChartQA's relaxed accuracy takes 5 %). A unit may be
 * left out, but not be another one. What is no number on either side is false; so is any number but 0 for 0.
 */
export function withinTolerance({ expected, given }: Answered, tolerance = 0.05): boolean {
  const [wanted, found] = [readQuantity(expected), readQuantity(given)]
  if (!wanted || !found) return false
  if (wanted.unit !== '' && found.unit !== '' && wanted.unit !== found.unit) return false
  // At the very limit rounding must not decide: 1.05 is within 5 % of 1.
  return Math.abs(found.value - wanted.value) <= Math.abs(wanted.value) * tolerance * (1 + 1e-9)
}

/**
 * The one number of a text: `1,234.5`, `1.234,5`, `1 234`, `12 %`, `-$3`. A comma or point that parts groups of three is a
 * thousands separator, save a single point, which is always a decimal point. Undefined where there is no number, or
 * more than one.
 */
export function readQuantity(text: string): Quantity | undefined {
  const bare = text.trim().replaceAll('\u2212', '-')
  const parts = /^([^\d.,]*)([.,]?\d[\d.,'’\s]*)((?:[^\d.,'’\s]\D*)?)$/.exec(bare)
  if (!parts) return undefined
  const [before, digits, behind] = parts.slice(1).map((part) => part.replace(/\s+/g, ' ').trim())
  const value = readDigits(digits!.replace(/[.,]$/, ''))
  // A sign, a currency's sign or letters (USD, kr): a longer word makes it a sentence.
  const isBare = /^\p{Sc}?[-+]?\p{L}{0,3}\p{Sc}?[-+]?$/u.test(before!.replaceAll(' ', ''))
  if (value === undefined || !isBare) return undefined
  const unit = `${before!.replace(/[-+]/g, '')}${behind!.replace(/\.$/, '')}`.replaceAll(' ', '')
  return { value: before!.includes('-') ? -value : value, unit }
}

/** Digits with separators; undefined where the separators part them in no known way. */
function readDigits(text: string): number | undefined {
  const plain = text.replace(/(?<=\d)['’ ](?=\d{3}(?!\d))/g, '')
  if (/^\d+$/.test(plain) || isThousands(plain)) return Number(plain.replace(/[.,]/g, ''))
  const [, whole, fraction] = /^(.*)[.,](\d+)$/.exec(plain) ?? []
  if (whole === undefined || !(/^\d*$/.test(whole) || /^\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$/.test(whole)))
    return undefined
  // The decimal point is another sign than the one between groups.
  if (whole.includes(plain[whole.length]!)) return undefined
  return Number(`${whole.replace(/[.,]/g, '')}.${fraction}`)
}

/** Whether commas, or two points or more, part groups of three digits. */
function isThousands(text: string): boolean {
  return /^[1-9]\d{0,2}(?:,\d{3})+$/.test(text) || /^[1-9]\d{0,2}(?:\.\d{3}){2,}$/.test(text)
}
