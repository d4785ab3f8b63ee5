import { InputError } from '../tensor/errors.ts'
import type { ConversationTemplate } from './templates.ts'
import type { Tokenizer } from './tokenizer.ts'

/** The label of a token that is not learned. */
export const IGNORED = -100

/**
 * Masks what is not learned in `labels`, which begin as the ids of `prompt`, and returns how many tokens the
 * parts of the prompt gave one by one: where that is not the real length, the masks lie at wrong places.
 */
export type SegmentRule = (
  labels: number[],
  prompt: string,
  template: ConversationTemplate,
  tokenizer: Tokenizer,
) => number

const ignore = (labels: number[], from: number, to?: number): void => {
  labels.fill(IGNORED, from, to)
}

/**
 * InternLM2: the begin token, then everything up to and including each assistant role. Every part is counted
 * without the begin token that tokenising it alone adds. Source: OpenGVLab/InternVL, `dataset.py`,
 * `preprocess_internlm`.
 * @throws InputError `label-roles` when an answer holds a role string.
 */
export const labelInternLm: SegmentRule = (labels, prompt, template, tokenizer) => {
  const { userRole, assistantRole } = template
  const count = (text: string) => tokenizer.encode(text).length - 1
  const parts = prompt.split(assistantRole)
  let at = 1
  const mask = (text: string) => {
    const end = at + count(text)
    ignore(labels, at, end)
    at = end
  }
  ignore(labels, 0, at)
  mask(parts[0] + assistantRole)
  for (const part of parts.slice(1, -1)) {
    const [answer = '', question, ...more] = part.split(userRole)
    const found = question === undefined ? 0 : 1 + more.length
    if (question === undefined || found > 1)
      throw new InputError(
        'label-roles',
        `Between two assistant turns there are ${found} user turns instead of one. ` +
          'A text holds a role string of the template itself; remove it from the sample.',
        { found, expected: 1 },
      )
    at += count(answer)
    mask(userRole + question + assistantRole)
  }
  at += count(parts.at(-1)!)
  ignore(labels, at)
  return at
}

/** The prompt in rounds at its separators: system, question and answer first, then question and answer. */
function rounds(prompt: string, separator: string): string[] {
  const turns = prompt.split(separator)
  const found = [turns.slice(0, 3).join(separator)]
  for (let i = 3; i < turns.length; i += 2) found.push(turns.slice(i, i + 2).join(separator))
  return found
}

/** Masks the instruction of every round; the lengths say how many tokens a round and its instruction take. */
function labelRounds(
  labels: number[],
  prompt: string,
  template: ConversationTemplate,
  start: number,
  lengths: (
    round: string,
    instruction: string,
    isFirst: boolean,
  ) => readonly [round: number, instruction: number],
): number {
  const invitation = template.separator + template.assistantRole
  let at = start
  for (const [i, round] of rounds(prompt, template.separator).entries()) {
    const parts = round.split(invitation)
    if (round === '' || parts.length !== 2) break
    const [length, instruction] = lengths(round, parts[0] + invitation, i === 0)
    ignore(labels, at, at + instruction)
    at += length
  }
  ignore(labels, at)
  return at
}

/**
 * Hermes-2: a round's length, and one for the separator cut off it. Source: `dataset.py`, `preprocess_mpt`.
 */
export const labelMpt: SegmentRule = (labels, prompt, template, tokenizer) => {
  const count = (text: string) => tokenizer.encode(text).length
  return labelRounds(labels, prompt, template, 0, (round, instruction) => [
    count(round) + 1,
    count(instruction),
  ])
}

/**
 * Phi-3: as Hermes-2, but each part brings a begin token and, before its first role, a lone U+2581; the first
 * round's belong to the sequence. `<|endoftext|>` is never learned. Source: `dataset.py`, `preprocess_phi3`.
 */
export const labelPhi3: SegmentRule = (labels, prompt, template, tokenizer) => {
  const count = (text: string) => tokenizer.encode(text).length
  const endOfText = tokenizer.idOf('<|endoftext|>')
  ignore(labels, 0, 1)
  for (const [i, id] of labels.entries()) if (id === endOfText) labels[i] = IGNORED
  return labelRounds(labels, prompt, template, 1, (round, instruction, isFirst) => [
    count(round) - (isFirst ? 0 : 1),
    count(instruction) - (isFirst ? 1 : 2),
  ])
}
