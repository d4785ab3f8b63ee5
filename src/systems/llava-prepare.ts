import { normalisations } from '../image/normalise.ts'
import { InputError } from '../tensor/errors.ts'
import { encodeWithImages, expandImageIds, IMAGE_ID } from '../text/image-ids.ts'
import { PICTURE_PLACEHOLDER } from '../text/picture-tokens.ts'
import { type ConversationTemplate, renderConversation } from '../text/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { anyResTokens } from '../tiling/any-res-tokens.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { planTiles, type TilingOptions } from '../tiling/tiling.ts'
import type { LlavaConfig } from './llava-config.ts'
import { checkQuestion, refuseBoxes, refuseCompression, withPlaceholders } from './question.ts'
import type { Conversation, Picture, PreparedConversation } from './system.ts'
import { mergedSpans, tileKeys, tilePixels } from './visual-input.ts'

/** How pictures become tokens of a prompt. */
export interface LlavaSight {
  readonly config: LlavaConfig
  readonly tileSize: number
  readonly tokensPerTile: number
  /** The most tokens that a prompt may have: what the decoder has positions for. */
  readonly maxTokens: number
}

/** What LLaVA reads a conversation with. */
export interface LlavaChat {
  readonly name: string
  readonly sight: LlavaSight
  readonly tiling: TilingOptions
  readonly template: ConversationTemplate
  readonly tokenizer: Tokenizer
}

/** The conversation as a prompt, its pictures as tile plans. */
export function prepareLlava(chat: LlavaChat, conversation: Conversation): PreparedConversation {
  checkQuestion(conversation)
  refuseBoxes(conversation, chat.name)
  refuseCompression(conversation, chat.name)
  const { template, tokenizer, sight } = chat
  const { pictures, history = [], system, tiling = chat.tiling } = conversation
  if (tiling.strategy === 's2')
    throw new InputError(
      'tiling-needs-projector',
      'S2 concatenates scales along channels, which needs a projector trained for it; this checkpoint has none.',
    )
  const question = withPlaceholders(conversation, (count) => `${PICTURE_PLACEHOLDER}\n`.repeat(count))
  const written = renderConversation(template, { question, history, ...(system !== undefined && { system }) })
  const prompt = sight.config.mm_use_im_start_end
    ? written.replaceAll(PICTURE_PLACEHOLDER, `<im_start>${PICTURE_PLACEHOLDER}<im_end>`)
    : written
  const ids = encodeWithImages(prompt, tokenizer)
  const plans = pictures.map(({ image }) => planTiles(image, { ...tiling, tileSize: sight.tileSize }))
  return layOutLlava(sight, ids, pictures, plans, question)
}

/**
 * Ids with one `IMAGE_ID` a picture, prepared: each is repeated for every visual token of its picture.
 * @throws InputError `image-placeholder-count`, `prompt-too-long`
 */
export function layOutLlava(
  sight: LlavaSight,
  ids: readonly number[],
  pictures: readonly Picture[],
  plans: readonly TilePlan[],
  question: string,
): PreparedConversation {
  const { config, tokensPerTile, maxTokens } = sight
  const orders = plans.map((plan) => anyResTokens(plan, tokensPerTile, config.mm_patch_merge_type))
  const promptIds = expandImageIds(
    ids,
    orders.map((order) => order.length),
  )
  if (promptIds.length > maxTokens)
    throw new InputError(
      'prompt-too-long',
      `The prompt has ${promptIds.length} tokens, ` +
        `${orders.reduce((sum, order) => sum + order.length, 0)} of them visual, but the model has ${maxTokens} ` +
        'positions. Ask about fewer pictures at a time, or begin a new conversation.',
      { found: promptIds.length, expected: maxTokens },
    )
  const spans = orders.flatMap((order, picture) =>
    mergedSpans(order, tokensPerTile, picture, nthPictureStart(promptIds, orders, picture)),
  )
  return {
    question,
    promptIds,
    layout: { promptLength: promptIds.length, spans },
    pictures: plans.map((plan, i) => ({ name: pictures[i]!.name, plan, visualTokens: orders[i]!.length })),
    compression: undefined,
    pixels: tilePixels(pictures, plans, normalisations.clip),
    tileKeys: tileKeys(pictures, plans),
    tileCount: plans.reduce((sum, plan) => sum + plan.tiles.length, 0),
  }
}

/** Where a picture's tokens begin: behind as many placeholders as the pictures before it have tokens. */
function nthPictureStart(
  promptIds: readonly number[],
  orders: readonly (readonly number[])[],
  picture: number,
): number {
  let before = orders.slice(0, picture).reduce((sum, order) => sum + order.length, 0)
  return promptIds.findIndex((id) => id === IMAGE_ID && before-- === 0)
}
