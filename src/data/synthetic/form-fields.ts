import type { Dice } from './dice.ts'
import { capital } from './grammar.ts'
import { anyDay, dayStyle, moneyStyle } from './numbers.ts'
import type { Words } from './words.ts'

/** Options of which one is ticked. */
export interface ChoiceGroup {
  readonly label: string
  readonly options: readonly string[]
}

type MakeField = (
  dice: Dice,
  words: Words,
) => { readonly form: string; readonly label: string; readonly value: string }

function labelled(
  form: string,
  labels: readonly string[],
  make: (dice: Dice, words: Words) => string,
): MakeField {
  return (dice, words) => ({ form, label: dice.pick(labels), value: make(dice, words) })
}

/** What may be asked for in a field, under several names. */
export const fieldMakers: readonly MakeField[] = [
  labelled('surname', ['Surname', 'Last name', 'Family name'], (_, words) => words.lastName()),
  labelled('first-name', ['First name', 'Given name', 'Forename'], (_, words) => words.firstName()),
  labelled('birth', ['Date of birth', 'Birth date', 'Born on'], (dice) =>
    dayStyle(dice)(anyDay(dice, 1936, 2012)),
  ),
  labelled('street', ['Street', 'Address', 'Street and number'], (_, words) => words.street()),
  labelled('city', ['City', 'Town', 'Place of residence'], (_, words) => words.city()),
  labelled('postcode', ['Postcode', 'ZIP code', 'Postal code'], (_, words) => words.postcode()),
  labelled('phone', ['Phone', 'Telephone', 'Mobile'], (_, words) => words.phone()),
  labelled('email', ['E-mail', 'Email address'], (_, words) => words.email(words.person(), words.domain())),
  labelled('country', ['Country', 'Nationality', 'Country of birth'], (_, words) => words.country()),
  labelled('occupation', ['Occupation', 'Profession', 'Position'], (_, words) => words.jobTitle()),
  labelled('employer', ['Employer', 'Company', 'Organisation'], (_, words) => words.company()),
  labelled('policy', ['Policy no.', 'Member ID', 'Reference', 'File no.'], (dice) =>
    dice.code(dice.pick(['??-######', '########', '###-##-####'])),
  ),
  labelled('amount', ['Amount', 'Sum claimed', 'Fee', 'Deposit'], (dice) =>
    moneyStyle(dice).format(dice.int(1000, 2_000_000)),
  ),
  labelled('vehicle', ['Registration no.', 'License plate', 'Vehicle no.'], (dice) =>
    dice.code(dice.pick(['??-?? ###', '??? ####', '?-## ???'])),
  ),
  labelled('item', ['Item', 'Subject', 'Article'], (_, words) => words.product()),
  labelled('start', ['Start date', 'Valid from', 'From'], (dice) => dayStyle(dice)(anyDay(dice))),
  labelled('contact', ['Emergency contact', 'Contact person', 'Spouse'], (_, words) => words.person()),
  labelled(
    'reason',
    ['Reason', 'Remarks', 'Purpose'],
    (_, words) => `${capital(words.adjective())} ${words.noun()}`,
  ),
  labelled('height', ['Height (cm)', 'Weight (kg)', 'Age'], (dice) => String(dice.int(18, 199))),
  labelled('account', ['Account no.', 'IBAN', 'Bank account'], (dice) => dice.code('## #### #### ####')),
]

/** What may be ticked. */
export const choiceGroups: readonly ChoiceGroup[] = [
  { label: 'Marital status', options: ['single', 'married', 'divorced', 'widowed'] },
  { label: 'Title', options: ['Mr', 'Ms', 'Dr', 'Prof'] },
  { label: 'Payment', options: ['cash', 'card', 'transfer', 'cheque', 'voucher'] },
  { label: 'Delivery', options: ['pick-up', 'post', 'courier', 'e-mail'] },
  { label: 'Size', options: ['XS', 'S', 'M', 'L', 'XL', 'XXL'] },
  { label: 'Insurance', options: ['basic', 'standard', 'premium', 'none'] },
  { label: 'Blood group', options: ['A', 'B', 'AB', '0', 'unknown'] },
  { label: 'Level', options: ['beginner', 'intermediate', 'advanced', 'expert'] },
  { label: 'Meal', options: ['meat', 'fish', 'vegetarian', 'vegan', 'none'] },
  { label: 'Weekday', options: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] },
  { label: 'Priority', options: ['low', 'normal', 'high', 'urgent'] },
  { label: 'Travel class', options: ['economy', 'premium', 'business', 'first'] },
]
