import { Dice } from '../../src/data/synthetic/dice.ts'
import type { OutOfDomainRecord } from '../embedded/sets.ts'
import type { Drawn } from './layer.ts'

/** The most questions of a picture. */
const most = 3

/** How often a form is asked against the others: more often where the answer says what the page is about. */
const weights: Readonly<Record<string, number>> = {
  'man.option': 3,
  'man.long': 2,
  'pdf.section': 2,
  'pdf.contents': 3,
  'pdf.bullet': 2,
  'web.cell': 4,
  'web.term': 3,
}

/**
 * Three questions a picture, of different forms where there are as many: those first whose form was asked least so far, so
 * that no form outweighs the others. Always the same choice.
 */
export function chooseQuestions(
  drawn: readonly { readonly image: string; readonly layer: Pick<Drawn, 'proposals'> }[],
): OutOfDomainRecord[] {
  const asked = new Map<string, number>()
  return drawn.map(({ image, layer }) => {
    const dice = new Dice(1, image)
    const left = dice.shuffle(layer.proposals)
    const questions: OutOfDomainRecord['questions'][number][] = []
    while (questions.length < most && left.length > 0) {
      const cost = (form: string) =>
        (asked.get(form) ?? 0) / (weights[form] ?? 1) +
        1000 * questions.filter((other) => other.form === form).length
      const next = left.reduce((best, other) => (cost(other.form) < cost(best.form) ? other : best))
      left.splice(left.indexOf(next), 1)
      questions.push(next)
      asked.set(next.form, (asked.get(next.form) ?? 0) + 1)
    }
    return { image, questions }
  })
}
