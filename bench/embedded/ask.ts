import { decodeImage, type NodeModel, type TilingOptions } from '../../src/node.ts'
import type { MeasuredPicture, MeasuredSet, SetName } from './sets.ts'

/** A question that was asked, and what came of it. */
export interface Row {
  readonly set: SetName
  readonly picture: string
  readonly form: string
  readonly question: string
  readonly expected: string
  readonly given: string
  readonly isRight: boolean
  /** The answer did not end by itself. */
  readonly isCut: boolean
  readonly seconds: number
}

/** Longer than any answer that is asked for; a model that finds no end is stopped here. */
const maxNewTokens = 96

/** Asks every question of a picture by itself, the likeliest words as answer. */
export async function askPicture(
  model: NodeModel,
  set: SetName,
  { isRight }: MeasuredSet,
  { name, file, questions }: MeasuredPicture,
  { tiling, signal }: { readonly tiling?: TilingOptions | undefined; readonly signal: AbortSignal },
): Promise<Row[]> {
  const { image } = await decodeImage(file, { name })
  const rows: Row[] = []
  for (const { form, question, answer: expected } of questions) {
    // Its visual tokens are there from the first question on.
    const asked = { images: [{ name, image }], tiling, maxNewTokens, signal }
    const { text: given, stopReason, seconds } = await model.ask(question, asked)
    if (stopReason === 'aborted') break
    rows.push({
      ...{ set, picture: name, form, question, expected, given },
      isRight: isRight(form, { expected, given }),
      isCut: stopReason === 'length',
      seconds: seconds.total,
    })
  }
  return rows
}
