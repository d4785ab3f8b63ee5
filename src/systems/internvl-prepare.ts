import { normalisations } from '../image/normalise.ts'
import { meanColour, pad2square } from '../image/pad2square.ts'
import { InputError } from '../tensor/errors.ts'
import { chatPrompt, PICTURE_PLACEHOLDER, PICTURE_TOKENS } from '../text/picture-tokens.ts'
import type { ConversationTemplate } from '../text/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { planTiles, type TilingOptions } from '../tiling/tiling.ts'
import { type InternVlConfig, s2Tiling, tilesPerMap, tokensPerTile } from './internvl-config.ts'
import { checkQuestion, refuseBoxes, refuseCompression, withPlaceholders } from './question.ts'
import type { CompressionOptions, Conversation, Picture, PreparedConversation } from './system.ts'
import { tileKeys, tilePixels, visualSpans } from './visual-input.ts'

/** What a system built on InternVL2 does its own way. */
export interface InternVlVariant {
  readonly name: string
  /** How pictures are cut unless the caller says otherwise. */
  readonly tiling: (config: InternVlConfig) => TilingOptions
  /** How a question without placeholders names several pictures, the first of which has number `first`. */
  readonly severalPictures: (count: number, first: number) => string
  /** Whether scale compression can be asked for. */
  readonly canCompress: boolean
}

/** What InternVL reads a conversation with. */
export interface InternVlChat {
  readonly variant: InternVlVariant
  readonly config: InternVlConfig
  readonly template: ConversationTemplate
  readonly tokenizer: Tokenizer
  /** The id of `<IMG_CONTEXT>`. */
  readonly contextId: number
}

/** Pictures → tile plans; question → prompt with one `<IMG_CONTEXT>` for each visual token. */
export function prepareInternVl(chat: InternVlChat, conversation: Conversation): PreparedConversation {
  const { variant, config, template, tokenizer, contextId } = chat
  const { compression, history = [], system = config.system_message ?? undefined } = conversation
  checkQuestion(conversation)
  refuseBoxes(conversation, variant.name)
  if (!variant.canCompress) refuseCompression(conversation, variant.name)
  checkKeepRatio(compression)
  const pictures = config.pad2square ? conversation.pictures.map(padded) : conversation.pictures
  const plans = pictures.map(({ image }) => planTiles(image, tilingOf(chat, conversation)))
  if (compression) checkCompressible(plans)
  const perTile = tokensPerTile(config)
  const together = tilesPerMap(config)
  const counts = plans.map((plan) => (plan.tiles.length / together) * perTile)
  const question = withPlaceholders(conversation, (count, first) =>
    pictures.length === 1 ? `${PICTURE_PLACEHOLDER}\n` : variant.severalPictures(count, first),
  )
  const prompt = chatPrompt(template, { question, history, ...(system !== undefined && { system }) }, counts)
  const promptIds = tokenizer.encode(prompt)
  const placeholders = promptIds.flatMap((id, position) => (id === contextId ? [position] : []))
  const expected = counts.reduce((sum, count) => sum + count, 0)
  if (placeholders.length !== expected)
    throw new InputError(
      'image-token-count',
      `The prompt has ${placeholders.length} image tokens but the tiles give ${expected}. ` +
        `Remove ${PICTURE_TOKENS.context} from the question.`,
      { found: placeholders.length, expected },
    )
  return {
    question,
    promptIds,
    layout: { promptLength: promptIds.length, spans: visualSpans(placeholders, plans, perTile, together) },
    pictures: plans.map((plan, i) => ({ name: pictures[i]!.name, plan, visualTokens: counts[i]! })),
    compression,
    pixels: tilePixels(pictures, plans, normalisations.imagenet),
    tileKeys: tileKeys(pictures, plans),
    tileCount: plans.reduce((sum, plan) => sum + plan.tiles.length, 0),
  }
}

function tilingOf({ variant, config }: InternVlChat, { tiling }: Conversation): TilingOptions {
  const s2 = s2Tiling(config)
  if (s2) {
    if (tiling && tiling.strategy !== 's2')
      throw new InputError(
        'tiling-needs-projector',
        `This checkpoint's projector was trained for S2 at ${config.s2_scales!.join(', ')} pixels, so its pictures ` +
          `cannot be cut by the tiling '${tiling.strategy}'. Leave the tiling out.`,
      )
    return s2
  }
  const chosen = tiling ?? variant.tiling(config)
  if (chosen.strategy === 's2')
    throw new InputError(
      'tiling-needs-projector',
      'S2 concatenates scales along channels, which needs a projector trained for it; this checkpoint has none.',
    )
  return { ...chosen, tileSize: config.tileSize }
}

function padded(picture: Picture): Picture {
  return { ...picture, image: pad2square(picture.image, meanColour(normalisations.imagenet)) }
}

/** Only the first picture is compressed; a prompt without pictures is left as it is. */
function checkCompressible([plan]: readonly TilePlan[]): void {
  if (plan && !plan.detailedGrid)
    throw new InputError(
      'option-without-effect',
      `Compression drops tokens of the detailed tiles, which the tiling '${plan.strategy}' does not have. ` +
        'Use the msac tiling, or leave compression out.',
      { option: 'compression', strategy: plan.strategy },
    )
}

function checkKeepRatio(compression: CompressionOptions | undefined): void {
  const ratio = compression?.keepRatio
  if (ratio !== undefined && !(ratio > 0 && ratio <= 1))
    throw new InputError('keep-ratio', `The keep ratio is ${ratio}; it must be above 0 and at most 1.`, {
      ratio,
    })
}
