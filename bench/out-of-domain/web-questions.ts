import type { MeasuredQuestion } from '../embedded/sets.ts'
import { followers } from './followers.ts'
import { isAnswer, occurrences } from './layer.ts'
import type { SeenPage } from './web.ts'

/** Questions about a page, from what can be seen of it. */
export function webQuestions(page: SeenPage, text: string): MeasuredQuestion[] {
  const asked: MeasuredQuestion[] = []
  const ask = (form: string, question: string, answer: string | undefined) => {
    if (answer !== undefined && isAnswer(answer)) asked.push({ form: `web.${form}`, question, answer })
  }
  const isNamed = (name: string | undefined): name is string =>
    name !== undefined && isAnswer(name, 40) && occurrences(text, name) === 1

  const [title] = page.headings
  if (title?.level === 1 && page.headings.filter(({ level }) => level === 1).length === 1)
    ask('title', 'What is the title of the page?', title.text)
  for (const [i, { text: heading }] of page.headings.entries()) {
    const before = page.headings[i - 1]?.text
    if (isNamed(before)) ask('heading', `Which heading comes after "${before}"?`, heading)
  }
  for (const rows of page.tables) {
    const [head, ...body] = rows
    if (!head || head.length < 2 || body.length < 2) continue
    for (const row of body)
      for (const [column, cell] of row.entries()) {
        const name = row[0]
        const heading: string | undefined = head[column]
        const isApart =
          row.length === head.length && head.every((other, i) => i === column || other !== heading)
        if (
          column > 0 &&
          isApart &&
          isNamed(name) &&
          heading &&
          isAnswer(heading, 30) &&
          (cell?.length ?? 99) <= 45
        )
          ask('cell', `In the table, what stands under "${heading}" in the row "${name}"?`, cell)
      }
  }
  for (const { isNumbered, items } of page.lists)
    for (const [i, item] of items.entries()) {
      const before = items[i - 1]
      if (isNumbered && items.length > 1 && page.lists.filter((list) => list.isNumbered).length === 1)
        ask('item', `What does item ${i + 1} of the numbered list say?`, item)
      else if (isNamed(before)) ask('item', `Which item of the list comes after "${before}"?`, item)
    }
  for (const { term, meaning } of page.terms)
    if (isNamed(term)) ask('term', `What stands below "${term}"?`, meaning)
  if (page.examples.length === 1) {
    const [first] = page.examples[0]!.filter((line) => line.trim() !== '')
    ask('example', 'What is the first line of the example?', first?.trim().replace(/\s+/g, ' '))
  }
  return [...asked, ...followers('web.next', page.paragraphs, text)]
}
