import type { RunEvent, TilePlan } from '../../src/index.ts'
import type { Reply, Request } from './worker.ts'

const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E
const [views, answer, status] = [element('views'), element('answer'), element('status')]
const question = element<HTMLInputElement>('question')
const askButton = element<HTMLButtonElement>('ask')

const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' })
const request = (message: Request): void => worker.postMessage(message)

let picture: File | undefined
let isLoaded = false
let isAnswering = false

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
  if (data.type === 'progress') showProgress(data.event)
  if (data.type === 'loaded') {
    isLoaded = true
    element('model-name').textContent = data.name
    say(picture ? 'Ready.' : 'Ready. Choose a picture.')
  }
  if (data.type === 'planned') showTiles(data.plan)
  if (data.type === 'piece') answer.textContent += data.text
  if (data.type === 'answered')
    say(`${data.visualTokens.toLocaleString()} visual tokens · ${data.seconds.toFixed(1)} seconds`)
  if (data.type === 'failed') say(data.message, true)
  if (data.type === 'answered' || data.type === 'failed') isAnswering = false
  showButton()
}

element<HTMLInputElement>('model').onchange = ({ target }) => {
  const chosen = [...(target as HTMLInputElement).files!]
  // A worker sees files by their names alone, so that only those right in the folder can be told apart.
  const files = chosen.filter((file) => file.webkitRelativePath.split('/').length === 2)
  isLoaded = false
  request({ type: 'load', files, device: 'wasm' })
}

element<HTMLInputElement>('picture').onchange = ({ target }) =>
  showPicture((target as HTMLInputElement).files![0])
document.ondragover = (event) => {
  event.preventDefault()
  document.body.classList.add('dropping')
}
document.ondragleave = () => document.body.classList.remove('dropping')
document.ondrop = (event) => {
  event.preventDefault()
  document.body.classList.remove('dropping')
  showPicture(event.dataTransfer?.files[0])
}

element<HTMLFormElement>('form').onsubmit = (event) => {
  event.preventDefault()
  if (isAnswering) {
    isAnswering = false
    request({ type: 'stop' })
    say('Stopped.')
  } else if (picture) {
    isAnswering = true
    answer.textContent = ''
    request({ type: 'ask', question: question.value, picture })
  }
  showButton()
}

function showButton(): void {
  askButton.textContent = isAnswering ? 'Stop' : 'Ask'
  askButton.disabled = !isLoaded || !picture
}

function say(text: string, isFailure = false): void {
  status.textContent = text
  status.classList.toggle('failed', isFailure)
}

function showPicture(file: File | undefined): void {
  if (!file) return
  picture = file
  answer.textContent = ''
  views.replaceChildren(view(URL.createObjectURL(file), '', ''))
  if (isLoaded) say('Ready.')
  showButton()
}

/** One copy of the picture for each group of tiles; a tile brightens when the model has seen it. */
function showTiles(plan: TilePlan): void {
  const { width, height } = plan.original
  const url = views.querySelector('img')!.src
  const colours = ['#d1431f', '#0067b8', '#00805e', '#9a4d92']
  const figures = plan.groups.map((group, index) => {
    const tiles = plan.tiles.filter((tile) => tile.group === index)
    const rectangles = tiles.map(({ source: { x0, y0, x1, y1 }, index }) => {
      return `<rect data-tile="${index}" x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}"/>`
    })
    const overlay = `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${rectangles.join('')}</svg>`
    const figure = view(url, overlay, `<b>${group.name}</b> ${group.columns} × ${group.rows}`)
    figure.style.setProperty('--group', colours[index % colours.length]!)
    return figure
  })
  views.replaceChildren(...figures)
}

function view(url: string, overlay: string, caption: string): HTMLElement {
  const figure = document.createElement('figure')
  figure.innerHTML = `<div class="view"><img src="${url}" alt="The chosen picture">${overlay}</div><figcaption>${caption}</figcaption>`
  return figure
}

const phases: Readonly<Partial<Record<RunEvent['phase'], string>>> = {
  loading: 'Loading',
  preparing: 'Reading the picture',
  encoding: 'Looking at tile',
  compressing: 'Choosing tokens',
  prefill: 'Reading the question',
  decoding: 'Answering',
}

function showProgress({ phase, done, total, message }: RunEvent): void {
  say(
    [phases[phase] ?? phase, message, total > 1 ? `${done} of ${total}` : '', '…'].filter(Boolean).join(' '),
  )
  if (phase !== 'encoding' && phase !== 'prefill') return
  for (const tile of views.querySelectorAll<SVGRectElement>('[data-tile]'))
    tile.classList.toggle('seen', phase === 'prefill' || Number(tile.dataset.tile) < done)
}
