import type { Dice } from './dice.ts'

/** How one document writes amounts of money. Amounts are whole cents. */
export interface Money {
  readonly format: (cents: number) => string
  /** Without the sign of the currency. */
  readonly bare: (cents: number) => string
  readonly currency: string
}

/** A way to write money, the same throughout a document. */
export function moneyStyle(dice: Dice): Money {
  const currency = dice.weighted({ $: 5, '€': 4, '£': 2, CHF: 1, kr: 1, USD: 1, EUR: 1, '': 2 })
  const isContinental = ['€', 'EUR', 'kr'].includes(currency) ? dice.chance(0.6) : false
  const [point, group] = isContinental ? [',', '.'] : ['.', dice.pick([',', ',', '', ' '])]
  const isBehind = isContinental || currency === 'kr' || (currency.length > 1 && dice.chance(0.5))
  const gap = currency.length > 1 || isBehind ? ' ' : ''
  const bare = (cents: number) => {
    const whole = String(Math.floor(Math.abs(cents) / 100)).replace(/\B(?=(\d{3})+$)/g, group)
    return `${cents < 0 ? '-' : ''}${whole}${point}${String(Math.abs(cents) % 100).padStart(2, '0')}`
  }
  const format = (cents: number) => {
    if (currency === '') return bare(cents)
    return isBehind ? `${bare(cents)}${gap}${currency}` : `${currency}${gap}${bare(cents)}`
  }
  return { format, bare, currency }
}

const months = ['January', 'February', 'March', 'April', 'May', 'June']
const laterMonths = ['July', 'August', 'September', 'October', 'November', 'December']
const monthNames = [...months, ...laterMonths]

/** A day of the calendar. */
export interface Day {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
}

export function anyDay(dice: Dice, firstYear = 1998, lastYear = 2031): Day {
  return { year: dice.int(firstYear, lastYear), month: dice.int(1, 12), day: dice.int(1, 28) }
}

/** A way to write days, the same throughout a document. */
export function dayStyle(dice: Dice): (day: Day) => string {
  const two = (value: number) => String(value).padStart(2, '0')
  const name = (month: number) => monthNames[month - 1]!
  return dice.pick<(day: Day) => string>([
    ({ year, month, day }) => `${year}-${two(month)}-${two(day)}`,
    ({ year, month, day }) => `${two(day)}.${two(month)}.${year}`,
    ({ year, month, day }) => `${two(month)}/${two(day)}/${year}`,
    ({ year, month, day }) => `${two(day)}/${two(month)}/${year}`,
    ({ year, month, day }) => `${month}/${day}/${two(year % 100)}`,
    ({ year, month, day }) => `${two(day)}.${two(month)}.${two(year % 100)}`,
    ({ year, month, day }) => `${day} ${name(month)} ${year}`,
    ({ year, month, day }) => `${name(month)} ${day}, ${year}`,
    ({ year, month, day }) => `${name(month).slice(0, 3)} ${two(day)}, ${year}`,
    ({ year, month, day }) => `${two(day)}-${name(month).slice(0, 3).toUpperCase()}-${year}`,
  ])
}

/** A time of day in minutes, written in 24 or 12 hours. */
export function timeStyle(dice: Dice): (minutes: number) => string {
  const two = (value: number) => String(value).padStart(2, '0')
  return dice.pick<(minutes: number) => string>([
    (minutes) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`,
    (minutes) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`,
    (minutes) => {
      const hour = Math.floor(minutes / 60)
      return `${hour % 12 === 0 ? 12 : hour % 12}:${two(minutes % 60)} ${hour < 12 ? 'AM' : 'PM'}`
    },
  ])
}
