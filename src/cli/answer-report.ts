import type { Answer } from '../model/answer.ts'
import type { NodeModel } from '../model/load-node.ts'
import type { PictureReport } from '../systems/system.ts'
import { planReport, planText } from './plan-report.ts'
import { count, duration, plural } from './words.ts'

/** What happened to a picture, as `--json` prints it. */
export function pictureReport({ name, plan, visualTokens, objects }: PictureReport) {
  const report = { picture: name, ...planReport(plan, visualTokens / plan.tiles.length) }
  if (!objects) return report
  return {
    ...report,
    objects: objects.labels.map((label, i) => ({ label, box: objects.boxes[i]! })),
  }
}

/** The objects that the model was told of: `2 objects: dog, red ball`. */
function objectsText({ objects }: PictureReport): string {
  if (!objects) return ''
  const { labels } = objects
  const named = [...new Set(labels.filter((label) => label !== ''))].slice(0, 8).join(', ')
  return `\n  ${plural(labels.length, 'object')}${named === '' ? '' : `: ${named}`}`
}

/** An answer with everything that led to it, as `--json` prints it. */
export function answerReport(answer: Answer, model: NodeModel) {
  const { text, stopReason, tokens, seconds, pictures, answers, layout } = answer
  return {
    answer: text,
    stopReason,
    ...(answers.length > 1 && {
      answers: answers.map(({ text, stopReason, score }) => ({ text, stopReason, score })),
    }),
    model: model.source,
    system: model.system.name,
    tokens,
    seconds: Object.fromEntries(Object.entries(seconds).map(([phase, value]) => [phase, round(value)])),
    pictures: pictures.map(pictureReport),
    ...(layout.keptPositions && { keptPositions: layout.keptPositions }),
  }
}

/** What happened to the pictures and how long each phase took, for people. */
export function answerSummary(answer: Answer): string {
  const { tokens, seconds, pictures } = answer
  const seen = pictures.map((picture) => {
    const { name, plan, visualTokens } = picture
    return planText(name, planReport(plan, visualTokens / plan.tiles.length)) + objectsText(picture)
  })
  const notes = [
    tokens.decoder < tokens.prompt && `${count(tokens.decoder)} after compression`,
    tokens.reused > 0 && `${count(tokens.reused)} known from before`,
  ].filter((note) => note !== false)
  const kept = notes.length > 0 ? ` (${notes.join(', ')})` : ''
  const phases = Object.entries(seconds)
    .filter(([phase, value]) => phase !== 'total' && value >= 0.05)
    .map(([phase, value]) => `${phase} ${duration(value)}`)
  const spent = [...phases, `in all ${duration(seconds.total)}`].join(', ')
  return [
    ...seen,
    `${plural(tokens.prompt, 'prompt token')}${kept}, ${plural(tokens.answer, 'answer token')}; ${spent}`,
  ].join('\n')
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
