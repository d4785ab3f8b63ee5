import { z } from 'zod'
import { recordBoxes } from '../detectors/box-file.ts'
import type { LabelledBox } from '../image/boxes.ts'
import { InputError } from '../tensor/errors.ts'

const message = z.object({ from: z.enum(['human', 'gpt', 'system']), value: z.string() })

const record = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  image: z.union([z.string(), z.array(z.string())]).nullish(),
  /** What a detector found, by picture, as MG-LLaVA's box files have it. */
  objects: z.union([z.looseObject({}), z.array(z.looseObject({}))]).optional(),
  conversations: z.array(message).min(2),
})

/** A training sample as LLaVA's and InternVL's datasets write it. */
export interface ConversationRecord {
  /** Paths, relative to the dataset's image folder. */
  readonly images: readonly string[]
  /** By picture, in its pixels; for systems that are told of objects. */
  readonly objects?: readonly (readonly LabelledBox[])[]
  readonly conversations: readonly z.infer<typeof message>[]
}

/**
 * A record out of parsed JSON.
 * @param where the file and the line or index, for messages
 * @throws InputError `record-invalid`
 */
export function parseRecord(value: unknown, where: string): ConversationRecord {
  const parsed = record.safeParse(value)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`)
    throw new InputError(
      'record-invalid',
      `${where} is no conversation (${problems.join('; ')}). Expected is ` +
        '{"image": "a.jpg", "conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}.',
      { where, problems },
    )
  }
  const { image, conversations, objects } = parsed.data
  const found = objects && [objects].flat()
  return {
    images: image ? [image].flat() : [],
    conversations,
    ...(found && {
      objects: found.map((record, i) => recordBoxes(record, `${where}, objects of picture ${i + 1}`)),
    }),
  }
}
