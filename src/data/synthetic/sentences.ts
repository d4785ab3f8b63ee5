import type { Dice } from './dice.ts'
import { capital, plural, withArticle } from './grammar.ts'
import type { Words } from './words.ts'

const weekdays = 'Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday'.split('|')
const months = 'January|February|March|April|May|June|July|August|September|October|November|December'.split(
  '|',
)
const prepositions =
  'above|across|after|against|along|among|around|before|behind|below|beside|between|beyond|during|for|from|in|inside|near|on|' +
  'over|past|through|toward|under|until|with|within|without'
const places = prepositions.split('|')
const modals = 'will|can|may|must|should|would|could|might|cannot|did not|does not|used to|has to'.split('|')
const joints = 'and|but|so|because|although|while|unless|until|when|if|as|since|whereas'.split('|')
const openings =
  'Today|Yesterday|Later|Meanwhile|However|Therefore|In short|As a rule|By default|For example|In general|Once again|At last|' +
  'Sometimes|Otherwise|In this case|Note that|Usually|Instead|Of course|Finally|Two weeks ago|Since then|Even so'
const starts = openings.split('|')

/** A sentence that is grammatical more often than it makes sense: half are built up, half follow a pattern. */
export function sentence(words: Words, dice: Dice): string {
  return dice.chance(0.6) ? built(words, dice) : patterned(words, dice)
}

/** [Opening,] clause [joint clause]. */
function built(words: Words, dice: Dice): string {
  const opening = dice.chance(0.35) ? `${dice.pick(starts)}${dice.chance(0.7) ? ',' : ''} ` : ''
  const tail = dice.chance(0.35)
    ? `${dice.pick([',', '', ';'])} ${dice.pick(joints)} ${clause(words, dice)}`
    : ''
  return `${capital(opening + clause(words, dice) + tail)}${dice.pick(['.', '.', '.', '.', '!', '.'])}`
}

/** Noun phrase, verb phrase, and at times where. */
function clause(words: Words, dice: Dice): string {
  const verb = `${dice.pick(modals)} ${dice.chance(0.25) ? `${words.adverb()} ` : ''}${words.verb()}`
  const where = dice.chance(0.5) ? ` ${dice.pick(places)} ${nounPhrase(words, dice)}` : ''
  return `${nounPhrase(words, dice)} ${verb}${dice.chance(0.7) ? ` ${nounPhrase(words, dice)}` : ''}${where}`
}

function nounPhrase(words: Words, dice: Dice): string {
  const noun = () => `${dice.chance(0.4) ? `${words.adjective()} ` : ''}${words.noun()}`
  return dice.pick([
    () => `the ${noun()}`,
    () => `the ${noun()}`,
    () => withArticle(noun()),
    () => withArticle(noun()),
    () =>
      `${dice.pick(['this', 'that', 'each', 'another', 'our', 'their', 'your', 'his', 'her', 'no', 'any', 'every'])} ${noun()}`,
    () => `${dice.pick(['these', 'those', 'some', 'all', 'most', 'many', 'few', 'other'])} ${plural(noun())}`,
    () => `${dice.int(2, 999)} ${plural(noun())}`,
    () => plural(noun()),
    () => words.person(),
    () => words.firstName(),
    () => words.city(),
    () => `the ${words.noun()} of the ${noun()}`,
    () => dice.pick(['they', 'we', 'she', 'he', 'it', 'you', 'everyone', 'nobody', 'someone']),
  ])()
}

function patterned(words: Words, dice: Dice): string {
  const noun = () => words.noun()
  const adjective = () => words.adjective()
  const verb = () => words.verb()
  return dice.pick([
    () => `The ${adjective()} ${noun()} will ${verb()} the ${noun()} ${words.adverb()}.`,
    () =>
      `On ${dice.pick(weekdays)} ${words.person()} went to ${words.city()} with ${withArticle(adjective())} ${noun()}.`,
    () => `Please ${verb()} your ${noun()} before the ${noun()} is ${adjective()}.`,
    () => `We found ${dice.int(2, 980)} ${adjective()} ${plural(noun())} near the ${noun()}.`,
    () =>
      `"${capital(words.adverb())}," said ${words.firstName()}, "the ${noun()} was never ${adjective()}."`,
    () => `No ${noun()} can ${verb()} without ${withArticle(noun())} or ${withArticle(noun())}.`,
    () =>
      `In ${dice.int(1780, 2031)} the ${noun()} of ${words.city()} cost about ${dice.int(3, 900)} a ${noun()}.`,
    () => `It is ${adjective()} to ${verb()} ${withArticle(noun())}, but ${adjective()} to ${verb()} two.`,
    () =>
      `${words.person()} has kept the ${noun()} ${words.adverb()} since ${dice.pick(months)} ${dice.int(1950, 2029)}.`,
    () =>
      `Every ${noun()} needs ${dice.int(2, 60)} ${plural(noun())}; the ${adjective()} ones ${verb()} first.`,
    () => `Why would ${withArticle(adjective())} ${noun()} ${verb()} ${words.adverb()}?`,
    () =>
      `Our ${noun()} is open from ${dice.int(6, 11)} to ${dice.int(1, 9)}, except for ${adjective()} ${plural(noun())}.`,
  ])()
}
