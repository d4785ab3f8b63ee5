import type { Dice } from './dice.ts'
import { capital } from './grammar.ts'
import { anyDay, dayStyle, moneyStyle, timeStyle } from './numbers.ts'
import type { Words } from './words.ts'

/** One to six words: of prose, a name, or with a number, a day, a time or an amount. */
export function lineOfText(dice: Dice, words: Words): string {
  const text = dice.pick([
    () => prose(dice, words),
    () => prose(dice, words),
    () => words.sentence().split(' ').slice(0, dice.int(2, 6)).join(' '),
    () => words.person(),
    () => `${words.street()}, ${words.city()}`.split(' ').slice(0, 6).join(' '),
    () => `${capital(words.noun())} ${moneyStyle(dice).format(dice.int(50, 250_000))}`,
    () => `${dayStyle(dice)(anyDay(dice))} ${timeStyle(dice)(dice.int(0, 1439))}`,
    () =>
      `${capital(words.noun())} ${dice.pick(['No.', '#', 'Nr.', 'Ref.'])} ${dice.code(dice.pick(['####', '??-####', '#-###-##']))}`,
    () => dice.code(dice.pick(['??? ####', '####-####', '?##?##', '##.###.##', '+## ### ### ##'])),
    () => words.title().split(' ').slice(0, 6).join(' '),
    () => words.company(),
    () => words.phone(),
    () => `${dice.int(2, 99)}% ${words.word()} ${words.noun()}`,
    () => words.domain(),
  ])()
  return text.replace(/[,;:]$/, '')
}

function prose(dice: Dice, words: Words): string {
  const list = Array.from({ length: dice.int(1, 6) }, () => words.word())
    .join(' ')
    .split(' ')
    .slice(0, 6)
  const manner = dice.pick(['small', 'first', 'each', 'capitals'])
  if (manner === 'first') list[0] = capital(list[0]!)
  const text = (manner === 'each' ? list.map(capital) : list).join(' ')
  const end = dice.chance(0.2) ? dice.pick(['.', '!', '?']) : ''
  return (manner === 'capitals' ? text.toUpperCase() : text) + end
}

/** What stands on a line of its own on labels, lists and screens, of at most `most` letters (but at least 3). */
export function snippet(dice: Dice, words: Words, most: number): string {
  const make = snippets[dice.weighted(weights)]
  for (let tries = 0; tries < 6; tries++) {
    const text = make(dice, words)
    if (text.length <= most) return text
  }
  return cut(make(dice, words), most)
}

/** A word, real or invented, letters at random, a number, or a snippet. */
export function wordsOrNumber(dice: Dice, words: Words): string {
  return dice.pick([
    () => inManner(words.noun(), dice),
    () => inManner(words.word(), dice),
    () => inManner(inventedWord(dice), dice),
    () => randomText(dice, dice.int(2, 8)),
    () => String(dice.int(0, 10 ** dice.int(1, 6))),
    () => snippet(dice, words, 14),
  ])()
}

/** As many of the first words as have room; the beginning of the first one where none has. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const end = text.slice(0, most + 1).lastIndexOf(' ')
  return text
    .slice(0, end > 0 ? end : most)
    .trimEnd()
    .replace(/[,;:]$/, '')
}

/** Letters that follow no language, signs and accents among them: they can only be read. */
export function randomText(dice: Dice, length: number): string {
  const letters = alphabets[dice.weighted(alphabetWeights)]
  const gap = dice.chance(0.4) ? dice.int(2, 7) : length
  let text = ''
  for (let i = 0; i < length; i++)
    text += i > 0 && i % gap === 0 && i < length - 1 ? ' ' : letters[dice.int(0, letters.length - 1)]!
  return text
}

/** A word that is in no list, one that can be spoken. */
export function inventedWord(dice: Dice): string {
  const isAccented = dice.chance(0.3)
  const vowel = () => dice.pick(isAccented && dice.chance(0.5) ? accentedVowels : vowels)
  let word = dice.chance(0.8) ? dice.pick(onsets) : ''
  for (let syllables = dice.int(1, 4); syllables > 0; syllables--)
    word += vowel() + (syllables > 1 ? dice.pick(onsets) : dice.chance(0.6) ? dice.pick(codas) : '')
  return word
}

/** The same words in small letters, with capitals in front, or in capitals. */
export function inManner(text: string, dice: Dice): string {
  const manner = dice.weighted({ small: 5, first: 4, each: 2, capitals: 2 })
  if (manner === 'first') return capital(text)
  if (manner === 'each') return text.split(' ').map(capital).join(' ')
  // The German ß has no capital of its own.
  return manner === 'capitals' && !text.includes('ß') ? text.toUpperCase() : text
}

type Make = (dice: Dice, words: Words) => string

const snippets = {
  line: lineOfText,
  sentence: (dice, words) => cut(words.sentence(), dice.int(12, 60)),
  invented: (dice) =>
    inManner(Array.from({ length: dice.int(1, 4) }, () => inventedWord(dice)).join(' '), dice),
  random: (dice) => randomText(dice, dice.int(3, 24)),
  number: (dice) => anyNumber(dice),
  money: (dice) => moneyStyle(dice).format(10 ** dice.int(1, 6) * dice.int(1, 9) + dice.int(0, 999)),
  code: (dice) =>
    dice.code(dice.pick(['#####', '??##', '?-###', '##/##', '###-###-#', '??-##-??', '#.#.##', '####:####'])),
  email: (_, words) => words.email(words.person(), words.domain()),
  address: (dice, words) =>
    dice.pick([
      () => words.street(),
      () => `${words.postcode()} ${words.city()}`,
      () => `${words.city()}, ${words.country()}`,
    ])(),
  url: (dice, words) =>
    `${dice.pick(['www.', 'https://', ''])}${words.domain()}${dice.chance(0.4) ? `/${inventedWord(dice)}` : ''}`,
  day: (dice) => dayStyle(dice)(anyDay(dice)),
  pair: (dice, words) =>
    `${capital(words.noun())}${dice.pick([':', ': ', ' = ', ' - ', '=', ' / '])}${anyNumber(dice)}`,
} satisfies Record<string, Make>

const weights = {
  ...{ line: 8, sentence: 5, invented: 6, random: 4, number: 3, money: 2, code: 2 },
  ...{ email: 2, address: 2, url: 1, day: 1, pair: 2 },
} as const

/** Counts, measures, percentages and versions. */
function anyNumber(dice: Dice): string {
  const digits = (most: number) => String(dice.int(0, 10 ** dice.int(1, most) - 1))
  const unit = () => dice.pick(['kg', 'mm', 'ml', '%', '°C', 'km/h', 'W', 'GB', 'pcs', 'h', 'V', 'x'])
  return dice.pick([
    () => digits(7),
    () => `${digits(4)}${dice.pick(['.', ','])}${dice.int(0, 99)}`,
    () => `${digits(4)}${dice.chance(0.5) ? ' ' : ''}${unit()}`,
    () => `${dice.pick(['+', '-', '±', '~', '<', '>', '#'])}${digits(4)}`,
    () => `${dice.int(1, 99)}${dice.pick(['/', '-', ':', 'x', ' of '])}${dice.int(1, 99)}`,
    () => `v${dice.int(0, 20)}.${dice.int(0, 40)}.${dice.int(0, 9)}`,
  ])()
}

const ascii = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))
const capitals = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
const small = [...'abcdefghijklmnopqrstuvwxyz']
const digits = [...'0123456789']
// All fonts have these; ý, þ and ð are not in all.
const accented = [...'àáâãäåæçèéêëìíîïñòóôõöøùúûüßÀÁÂÄÅÆÇÈÉÊËÍÎÑÓÔÕÖØÚÛÜ']

const alphabets = {
  ascii,
  capitals: [...capitals, ...digits],
  small: [...small, ...digits],
  digits,
  letters: [...small, ...capitals],
  hex: [...'0123456789abcdef'],
  accented: [...accented, ...small, ...capitals, '€', '£', '§', '°'],
}
const alphabetWeights = {
  ...{ ascii: 4, capitals: 2, small: 2, digits: 2, letters: 2, hex: 1, accented: 3 },
} as const

const vowels = 'a|e|i|o|u|a|e|i|o|ea|ou|ai|ie|y'.split('|')
const accentedVowels = [...'áàâäãåéèêëíîïóòôöõøúùûüæ']
const onsets =
  'b|c|d|f|g|h|j|k|l|m|n|p|r|s|t|v|w|z|br|ch|cl|cr|dr|fl|gr|kn|ph|pl|qu|rt|sch|sh|sk|sp|st|str|th|tr|wh|x|ñ|ç|nn|tt|mb|ll'.split(
    '|',
  )
const codas = 'n|r|s|t|l|m|x|k|ck|nd|ng|nt|rd|rm|st|th|ß|lt|z|p|ff|gh|sch'.split('|')
