import { InputError } from '../tensor/errors.ts'
import { IGNORED, labelInternLm, labelMpt, labelPhi3, type SegmentRule } from './label-segments.ts'
import { expandPictures, PICTURE_PLACEHOLDER } from './picture-tokens.ts'
import { strip } from './python-text.ts'
import { type ConversationTemplate, type Message, renderMessages } from './templates.ts'
import type { Tokenizer } from './tokenizer.ts'

export { IGNORED } from './label-segments.ts'

/** A message of a training sample, as the datasets of the field write it: `from` is human, gpt or system. */
export interface SampleMessage {
  readonly from: string
  readonly value: string
}

export interface LabelOptions {
  /** The visual tokens of each picture, in order; none for a sample without pictures. */
  readonly pictureTokens: readonly number[]
  /** The longest sequence; what is beyond is cut off. */
  readonly maxLength: number
  /** Whether the sequence is filled to `maxLength` with the tokenizer's pad token; false by default. */
  readonly padToMax?: boolean
}

/** A training sample's ids [T], labels [T] with −100 where nothing is learned, and mask [T] of 0 and 1. */
export interface LabelledSample {
  readonly inputIds: number[]
  readonly labels: number[]
  /** 0 at every pad token, those inside the text included. */
  readonly attentionMask: number[]
  /** Set when the counted length is not the real one: nothing of the sample is learned then. */
  readonly mismatch?: { readonly counted: number; readonly real: number }
}

const segmentRules: Readonly<Record<string, { readonly mask: SegmentRule; readonly strips: boolean }>> = {
  'internlm2-chat': { mask: labelInternLm, strips: true },
  panoptes: { mask: labelInternLm, strips: true },
  'Hermes-2': { mask: labelMpt, strips: false },
  'phi3-chat': { mask: labelPhi3, strips: false },
}

/**
 * A conversation as InternVL trains on it: only the assistant's text and the token that ends it are learned.
 * A first message from gpt is dropped, except by internvl2_5, which learns it; internvl2_5 alone takes a
 * first message from system as its system text. Source: OpenGVLab/InternVL, `dataset.py`,
 * `preprocess_internlm`, `preprocess_mpt`, `preprocess_phi3`, `preprocess_internvl2_5`; golden case
 * `internvl-prompts`.
 * @throws InputError `label-template` for a template without a rule; `label-roles` when human and gpt do not
 *   take turns; `image-placeholder-count` (internvl2_5) when questions and pictures disagree.
 */
export function labelConversation(
  template: ConversationTemplate,
  conversation: readonly SampleMessage[],
  tokenizer: Tokenizer,
  options: LabelOptions,
): LabelledSample {
  const isPad = (id: number) => id === tokenizer.padId
  const maskOf = (ids: readonly number[]) => ids.map((id) => (isPad(id) ? 0 : 1))
  if (template.name === 'internvl2_5') {
    const { inputIds, labels } = labelByMessage(template, conversation, tokenizer, options)
    const ids = padded(inputIds, tokenizer.padId ?? 0, options)
    return { inputIds: ids, labels: padded(labels, IGNORED, options), attentionMask: maskOf(ids) }
  }
  const rule = Object.hasOwn(segmentRules, template.name) ? segmentRules[template.name] : undefined
  if (!rule) {
    const known = [...Object.keys(segmentRules), 'internvl2_5']
    throw new InputError(
      'label-template',
      `There is no label rule for the template "${template.name}"; there is one for ${known.join(', ')}.`,
      { template: template.name, known },
    )
  }
  const messages = messagesInTurn(conversation, rule.strips)
  const prompt = expandPictures(renderMessages(template, messages), options.pictureTokens, {
    mismatch: 'keep',
  })
  const inputIds = padded(tokenizer.encode(prompt), tokenizer.padId ?? 0, options)
  const labels = [...inputIds]
  const counted = rule.mask(labels, prompt, template, tokenizer)
  const sample = { inputIds, labels, attentionMask: maskOf(inputIds) }
  const real = inputIds.filter((id) => !isPad(id)).length
  if (counted >= options.maxLength || counted === real) return sample
  return { ...sample, labels: labels.fill(IGNORED), mismatch: { counted, real } }
}

/** The conversation with `<image>` and a newline before its first text where that has no placeholder. */
export function withPlaceholder(conversation: readonly SampleMessage[]): readonly SampleMessage[] {
  const [first, ...rest] = conversation
  if (!first || first.value.includes(PICTURE_PLACEHOLDER)) return conversation
  return [{ ...first, value: `${PICTURE_PLACEHOLDER}\n${first.value}` }, ...rest]
}

/** InternVL 2.5: every message is tokenised alone, so no lengths have to be counted. */
function labelByMessage(
  template: ConversationTemplate,
  conversation: readonly SampleMessage[],
  tokenizer: Tokenizer,
  { pictureTokens, maxLength }: LabelOptions,
): { inputIds: number[]; labels: number[] } {
  const [first] = conversation
  const hasSystem = first?.from === 'system'
  const messages = withPictures(hasSystem ? conversation.slice(1) : conversation, pictureTokens)
  const system = template.systemBlock.replace('{system}', () => (hasSystem ? first.value : template.system))
  // The begin token is written once, before the system block; the one that each part gets is taken off.
  const bos =
    tokenizer.addsBos && tokenizer.bosId !== undefined ? tokenizer.tokenOf(tokenizer.bosId) : undefined
  const encode = (text: string) => tokenizer.encode(text).slice(bos === undefined ? 0 : 1)

  const inputIds = encode((bos ?? '') + system + template.separator)
  const labels = inputIds.map(() => IGNORED)
  const roleLength = encode(template.assistantRole).length
  for (const [i, { from, value }] of messages.entries()) {
    if (from !== 'human' && from !== 'gpt') throw wrongRole(from, i, 'human or gpt')
    const role = from === 'human' ? template.userRole : template.assistantRole
    const ids = encode(role + value + template.separator)
    inputIds.push(...ids)
    // Of an answer the role and the newline after its end are not learned.
    for (const [j, id] of ids.entries())
      labels.push(from === 'human' || j < roleLength || j === ids.length - 1 ? IGNORED : id)
  }
  return { inputIds: inputIds.slice(0, maxLength), labels: labels.slice(0, maxLength) }
}

/** Pictures in the questions only, in order. @throws InputError `image-placeholder-count` */
function withPictures(messages: readonly SampleMessage[], pictureTokens: readonly number[]): SampleMessage[] {
  const countIn = (text: string) => text.split(PICTURE_PLACEHOLDER).length - 1
  if (pictureTokens.length === 0) return [...messages]
  let used = 0
  const expanded = messages.map((message) => {
    if (message.from !== 'human') return message
    const own = pictureTokens.slice(used, used + countIn(message.value))
    used += own.length
    return { ...message, value: expandPictures(message.value, own, { mismatch: 'keep' }) }
  })
  if (used !== pictureTokens.length)
    throw new InputError(
      'image-placeholder-count',
      `The questions have ${used} ${PICTURE_PLACEHOLDER} placeholders but the sample has ` +
        `${pictureTokens.length} pictures. ` +
        'Write one placeholder for each picture (withPlaceholder does so for a single one).',
      { found: used, expected: pictureTokens.length },
    )
  return expanded
}

/** The messages from the first human one on. @throws InputError `label-roles` when they do not take turns. */
export function messagesInTurn(conversation: readonly SampleMessage[], strips: boolean): Message[] {
  const skipped = conversation[0]?.from === 'gpt' ? 1 : 0
  return conversation.slice(skipped).map(({ from, value }, i) => {
    const expected = i % 2 === 0 ? 'human' : 'gpt'
    if (from !== expected) throw wrongRole(from, i + skipped, expected)
    return { role: i % 2 === 0 ? 'user' : 'assistant', text: strips ? strip(value) : value }
  })
}

function wrongRole(from: string, index: number, expected: string): InputError {
  return new InputError(
    'label-roles',
    `Message ${index} of the conversation is from "${from}", where it must be from ${expected}. ` +
      'Questions (human) and answers (gpt) take turns.',
    { from, index, expected },
  )
}

/** Cut to the longest length and, where asked, filled up to it. */
function padded(
  values: readonly number[],
  filler: number,
  { maxLength, padToMax = false }: LabelOptions,
): number[] {
  const cut = values.slice(0, maxLength)
  return padToMax ? [...cut, ...Array<number>(maxLength - cut.length).fill(filler)] : cut
}
