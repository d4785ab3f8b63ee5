import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { newPage } from './browser.ts'
import type { Drawn } from './layer.ts'
import type { WebView } from './sources.ts'
import { webQuestions } from './web-questions.ts'

/** What can be seen whole in a page, in its order. Texts have single spaces. */
export interface SeenPage {
  readonly words: readonly string[]
  readonly headings: readonly { readonly level: number; readonly text: string }[]
  readonly paragraphs: readonly (readonly string[])[]
  /** Rows of tables with a heading row; a cell that cannot be seen is undefined. */
  readonly tables: readonly (readonly (readonly (string | undefined)[])[])[]
  /** Items of lists that follow each other. */
  readonly lists: readonly { readonly isNumbered: boolean; readonly items: readonly string[] }[]
  readonly terms: readonly { readonly term: string; readonly meaning: string }[]
  /** Lines of each example in letters of one width. */
  readonly examples: readonly (readonly string[])[]
}

/** A page of documentation in a browser's window, scrolled to a place in it. */
export async function drawWeb(
  browser: Browser,
  path: string,
  { anchor, width, height }: WebView,
): Promise<Drawn> {
  const page = await newPage(browser, { viewport: { width, height }, javaScriptEnabled: false })
  try {
    const url = pathToFileURL(path)
    if (anchor !== undefined) url.hash = anchor
    await page.goto(url.href)
    const png = await page.screenshot()
    const seen = await page.evaluate(look)
    const text = seen.words.join(' ')
    return { png, text, proposals: webQuestions(seen, text) }
  } finally {
    await page.close()
  }
}

/** Runs in the page. */
function look(): SeenPage {
  /** What leads elsewhere: side bars and lines with next and previous pages. */
  const aside = 'nav, aside, footer, .related, .sphinxsidebar, .docnav, .navheader, .navfooter'
  /** The words of a node's text that lie whole in the window and are covered by nothing; undefined where one does not. */
  const wordsOf = (node: Text): (string | undefined)[] =>
    [...node.data.matchAll(/\S+/g)].map(([word], i, all) => {
      const range = document.createRange()
      const start = i === 0 ? node.data.indexOf(word) : node.data.indexOf(word, starts(node.data)[i]!)
      range.setStart(node, start)
      range.setEnd(node, start + word.length)
      const box = range.getBoundingClientRect()
      const isInside =
        box.width > 0 &&
        box.left >= 2 &&
        box.top >= 2 &&
        box.right <= innerWidth - 2 &&
        box.bottom <= innerHeight - 2
      const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2)
      const isSeen = isInside && top !== null && (top.contains(node) || node.parentElement!.contains(top))
      return isSeen && all.length > 0 ? word : undefined
    })
  const starts = (text: string) => [...text.matchAll(/\S+/g)].map(({ index }) => index)
  const textsOf = (element: Node): Text[] => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
    const texts: Text[] = []
    while (walker.nextNode()) {
      const text = walker.currentNode as Text
      const isMark = text.parentElement!.closest('script, style, .headerlink, .permalink')
      if (!isMark) texts.push(text)
    }
    return texts
  }
  /** The whole text of an element, where all of it can be seen. */
  const wholeText = (element: Element): string | undefined => {
    const texts = textsOf(element)
    if (texts.some((text) => wordsOf(text).includes(undefined))) return undefined
    const text = texts.map(({ data }) => data).join('')
    return text.replace(/\s+/g, ' ').trim() || undefined
  }
  const all = (selector: string) =>
    [...document.querySelectorAll(selector)].filter((element) => !element.closest(aside))
  const wholeTexts = (elements: readonly Element[]) =>
    elements.map(wholeText).filter((text) => text !== undefined)

  const isPlain = (item: Element) => item.querySelector('ul, ol, dl, p + p, pre, table') === null
  return {
    words: textsOf(document.body).flatMap((text) => wordsOf(text).filter((word) => word !== undefined)),
    headings: all('h1, h2, h3, h4').flatMap((element) => {
      const text = wholeText(element)
      return text === undefined ? [] : [{ level: Number(element.tagName[1]), text }]
    }),
    paragraphs: wholeTexts(all('p')).map((text) => text.split(' ')),
    tables: all('table').map((table) =>
      [...(table as HTMLTableElement).rows].map((row) => [...row.cells].map((cell) => wholeText(cell))),
    ),
    lists: all('ul, ol').map((list) => {
      const items = [...list.children].map((item) => (isPlain(item) ? wholeText(item) : undefined))
      const end = items.indexOf(undefined)
      return {
        isNumbered: list.tagName === 'OL',
        items: (end < 0 ? items : items.slice(0, end)) as string[],
      }
    }),
    terms: all('dt').flatMap((element) => {
      const next = element.nextElementSibling
      const isMeaning = next?.tagName === 'DD' && isPlain(next)
      const [term, meaning] = [wholeText(element), isMeaning ? wholeText(next) : undefined]
      return term === undefined || meaning === undefined ? [] : [{ term, meaning }]
    }),
    examples: all('pre').flatMap((element) =>
      wholeText(element) === undefined ? [] : [element.textContent!.split('\n')],
    ),
  }
}
