import { capital, plural } from '../grammar.ts'
import { type Asked, read } from '../kind.ts'
import { Page, type TextStyle } from '../page.ts'
import { type MakeBoard, walls } from './board.ts'

/** A headline and what it is about. */
export const warning: MakeBoard = (dice, words, fonts) => {
  const headline = dice.pick([
    'CAUTION',
    'DANGER',
    'NOTICE',
    'WARNING',
    'ATTENTION',
    'PRIVATE',
    'STOP',
    'NO ENTRY',
    'KEEP OUT',
    'PLEASE NOTE',
  ])
  const [band, color, ink] = dice.pick([
    ['#f2c500', '#fff8d8', '#141414'],
    ['#c4161c', '#ffffff', '#141414'],
    ['#e8731a', '#ffffff', '#141414'],
    ['#0d4ea0', '#ffffff', '#0c2340'],
  ] as const)
  const text = dice.pick([
    () => `${capital(words.adjective())} ${words.noun()} ahead`,
    () => `No ${plural(words.noun())} beyond this ${words.noun()}`,
    () => `Beware of the ${words.adjective()} ${words.noun()}`,
    () =>
      `${capital(words.noun())} in use. Do not ${dice.pick(['open', 'enter', 'touch', 'cross', 'climb'])}.`,
    () => `Only for ${plural(words.noun())} and ${plural(words.noun())}`,
    () => `Please leave all ${plural(words.noun())} at the ${words.noun()}`,
    () => `Max. ${dice.int(2, 99)} ${plural(words.noun())} per ${words.noun()}`,
  ])()
  const size = dice.float(30, 42)
  const width = dice.int(420, 620)
  const style: TextStyle = {
    family: fonts.pick(dice, 'sans', 'condensed'),
    size,
    color: ink,
    align: 'center',
    face: dice.pick(['regular', 'bold'] as const),
  }
  const lines = new Page(8, 8).wrapped(text, width * 0.84, style)
  const phone = dice.chance(0.5) ? words.phone() : undefined
  const top = size * 2.1
  const height = top + size * (1.35 * lines.length + 0.9) + (phone === undefined ? 0 : size * 1.3)
  return {
    ...{ width, height, color, border: undefined, radius: 8 },
    ...{ scenery: [...walls, 'green', 'street'], isOnPole: dice.chance(0.25) },
    write(page) {
      page.fill(band, 8, 8, width - 16, top - 14)
      const isLight = band === '#f2c500'
      page.write(
        headline,
        width / 2,
        size * 1.5,
        page.fitted(headline, width * 0.85, {
          ...style,
          size: size * 1.35,
          face: 'bold',
          color: isLight ? '#141414' : '#ffffff',
        }),
      )
      const marks = lines.map((line, i) => page.write(line, width / 2, top + size * (1.15 + 1.35 * i), style))
      const whole: Asked = {
        form: 'sign.warning',
        question: `What does the sign say below "${headline}"?`,
        answer: marks.map((mark) => mark.text).join(' '),
        evidence: marks,
        isRead: true,
      }
      if (phone === undefined) return [whole]
      const small: TextStyle = { ...style, size: size * 0.75 }
      const mark = page.write(
        `Tel. ${phone}`,
        width / 2,
        height - size * 0.6,
        page.fitted(`Tel. ${phone}`, width * 0.85, small),
      )
      return [
        whole,
        {
          ...read('sign.phone', 'Which phone number is on the sign?', mark),
          answer: mark.text.replace(/^tel\. /i, ''),
        },
      ]
    },
  }
}
