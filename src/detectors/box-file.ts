import { z } from 'zod'
import type { Box, LabelledBox } from '../image/boxes.ts'
import type { Size } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'

/** More boxes than any detector finds; comparing all of them takes about a second. */
const mostBoxes = 10_000
/** More characters than any label that a detector is asked for. */
const longestLabel = 1000
/** More problems than these say nothing new about what is wrong. */
const shownProblems = 5

const edge = z.number({ error: 'must be a number of pixels (JSON has no NaN and no Infinity)' })
const box = z.tuple([edge, edge, edge, edge], { error: 'must be [left, top, right, bottom]' })
const label = z.string().max(longestLabel, `must be at most ${longestLabel} characters`)
const score = z.number({ error: 'must be a number, usually from 0 to 1' })

const labelledBoxes = z.array(z.strictObject({ box, label: label.optional(), score: score.optional() }), {
  error: 'must be a list of objects with a box',
})

/** What MG-LLaVA's published box files hold for one picture. */
const boxRecord = z
  .object({ boxes: z.array(box), labels: z.array(label), scores: z.array(score) })
  .refine(({ boxes, labels }) => labels.length === boxes.length, 'boxes and labels differ in number')
  .refine(({ boxes, scores }) => scores.length === boxes.length, 'boxes and scores differ in number')

/**
 * The boxes of a box file: a JSON list, one entry a box, in pixels of the picture as it is stored,
 *
 *     [{ "box": [12, 30.5, 240, 200], "label": "dog", "score": 0.9 }, { "box": [0, 0, 64, 64] }]
 *
 * `box` is [left, top, right, bottom]; `label` and `score` may be left out. A box may be without an area and may reach
 * beyond the picture, but not lie outside it.
 * @throws InputError `boxes-invalid` for another content, `boxes-too-many` above 10,000, `box-reversed` where right is
 * left of left or bottom above top, `box-outside` where no part of a box lies in the picture.
 */
export function parseBoxFile(text: string, picture: Size, name = 'The box file'): LabelledBox[] {
  const boxes = checked(labelledBoxes, parseJson(text, name), name)
  if (boxes.length > mostBoxes)
    throw new InputError(
      'boxes-too-many',
      `${name} has ${boxes.length} boxes; at most ${mostBoxes} are read. Keep the surest ones.`,
      { found: boxes.length, most: mostBoxes },
    )
  boxes.forEach(({ box }, index) => {
    requireOrder(box, index, name)
    requireInside(box, index, picture, name)
  })
  return boxes.map(({ box, label, score }) => ({
    box,
    ...(label !== undefined && { label }),
    ...(score !== undefined && { score }),
  }))
}

/**
 * The boxes of one published record `{ boxes, labels, scores }` (MG-LLaVA's `bbox_json`), in the detector's order.
 * @throws InputError `boxes-invalid`
 */
export function recordBoxes(record: unknown, name = 'The box record'): LabelledBox[] {
  const { boxes, labels, scores } = checked(boxRecord, record, name)
  return boxes.map((box, i) => ({ box, label: labels[i]!, score: scores[i]! }))
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : String(error)
    throw new InputError(
      'boxes-invalid',
      `${name} is not valid JSON (${reason}). Expected a list such as [{ "box": [12, 30, 240, 200], "label": "dog" }].`,
      {},
      error,
    )
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => `${place(path)} ${message}`)
  const more = problems.length > shownProblems ? `; and ${problems.length - shownProblems} more` : ''
  throw new InputError(
    'boxes-invalid',
    `${name} does not fit: ${problems.slice(0, shownProblems).join('; ')}${more}.`,
    { problems },
  )
}

function place(path: readonly PropertyKey[]): string {
  const [index, ...rest] = path
  if (index === undefined) return 'it'
  return [typeof index === 'number' ? `entry ${index}` : String(index), ...rest.map(String)].join('.')
}

function requireOrder(box: Box, index: number, name: string): void {
  const [x0, y0, x1, y1] = box
  if (x0 <= x1 && y0 <= y1) return
  throw new InputError(
    'box-reversed',
    `${name}: box ${index} is [${box.join(', ')}], whose right or bottom edge comes before its left or top one. ` +
      'Boxes are [left, top, right, bottom], not [x, y, width, height].',
    { index, box },
  )
}

function requireInside(box: Box, index: number, { width, height }: Size, name: string): void {
  const [x0, y0, x1, y1] = box
  if (x1 >= 0 && y1 >= 0 && x0 <= width && y0 <= height) return
  throw new InputError(
    'box-outside',
    `${name}: box ${index} is [${box.join(', ')}], but the picture is ${width}×${height}. ` +
      'Boxes are in pixels of the original picture; were these made for another one, or for a resized copy?',
    { index, box, width, height },
  )
}
