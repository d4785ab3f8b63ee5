import { InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { encodeWithImages, expandImageIds, IMAGE_ID } from '../text/image-ids.ts'
import { PICTURE_PLACEHOLDER } from '../text/picture-tokens.ts'
import { type ConversationTemplate, renderConversation } from '../text/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { type MgLlavaBoxes, mgLlavaBoxes } from './mgllava-boxes.ts'
import { boxOptions, type MgLlavaConfig } from './mgllava-config.ts'
import { mgLlavaFrames, sampledFrames } from './mgllava-frames.ts'
import { type MgLlavaPixels, mgLlavaPixels, mgLlavaPlan } from './mgllava-pixels.ts'
import { checkQuestion, refuseCompression, withPlaceholders } from './question.ts'
import type { Conversation, Picture, PreparedConversation, VisualSpan } from './system.ts'
import { tileKeys } from './visual-input.ts'

/** What a question writes where a video belongs, whose frames the conversation's pictures are. */
export const VIDEO_PLACEHOLDER = '<video>'

/** How pictures become tokens of a prompt. */
export interface MgLlavaSight {
  readonly config: MgLlavaConfig
  /** Sides of what the encoders see, and tokens of one picture without its objects. */
  readonly highSide: number
  readonly lowSide: number
  readonly tokensPerPicture: number
}

/** What MG-LLaVA reads a conversation with. */
export interface MgLlavaChat {
  readonly sight: MgLlavaSight
  readonly template: ConversationTemplate
  readonly tokenizer: Tokenizer
}

/** One picture, or one frame of a video, with what is known of its objects. */
export interface MgLlavaView {
  readonly name: string
  readonly plan: TilePlan
  readonly objects: MgLlavaBoxes
  /** For both encoders, [1, 3, side, side] each; made when asked for. */
  readonly pixels: () => MgLlavaPixels
}

/** A conversation made ready, with what both encoders look at. */
export interface MgLlavaPrepared extends PreparedConversation {
  readonly views: readonly MgLlavaView[]
}

/**
 * The conversation as a prompt. `<video>` in the question makes the pictures the frames of one video, of which as many
 * are looked at as the model was trained with.
 */
export function prepareMgLlava(
  { sight, template, tokenizer }: MgLlavaChat,
  conversation: Conversation,
): MgLlavaPrepared {
  checkQuestion(conversation)
  refuseCompression(conversation, 'mg-llava')
  const { history = [], system, tiling, boxes = [] } = conversation
  if (tiling)
    throw new InputError(
      'option-without-effect',
      'MG-LLaVA looks at each picture as one square in two sizes; it has no tiling. Leave the option out.',
      { option: 'tiling', system: 'mg-llava' },
    )
  const isVideo = [...history.map(([asked]) => asked), conversation.question].some((text) =>
    text.includes(VIDEO_PLACEHOLDER),
  )
  const question = isVideo
    ? conversation.question
    : withPlaceholders(conversation, (count) => `${PICTURE_PLACEHOLDER}\n`.repeat(count))
  const prompt = renderConversation(template, { question, history, ...(system !== undefined && { system }) })
  const ids = encodeWithImages(prompt.replaceAll(VIDEO_PLACEHOLDER, PICTURE_PLACEHOLDER), tokenizer)
  const { pictures } = conversation
  if (!isVideo) {
    const views = pictures.map((picture, i) => pictureView(sight, picture, boxes[i] ?? []))
    return {
      ...layOutMgLlava(
        sight,
        ids,
        views,
        views.map(() => 1),
        question,
      ),
      tileKeys: keysOf(pictures, views),
    }
  }
  const frames = sampledFrames(pictures.length, sight.config.num_frames)
  const chosen = frames.map((frame) => pictures[frame]!)
  const views = frameViews(
    sight,
    chosen,
    frames.map((frame) => boxes[frame] ?? []),
  )
  return { ...layOutMgLlava(sight, ids, views, [views.length], question), tileKeys: keysOf(chosen, views) }
}

/**
 * A picture as the model sees it, with its objects' boxes in those pixels.
 * @param isTextLong in training: whether the text leaves room for few boxes
 */
export function pictureView(
  { config, highSide, lowSide }: MgLlavaSight,
  { name, image }: Picture,
  boxes: Parameters<typeof mgLlavaBoxes>[0],
  isTextLong = false,
): MgLlavaView {
  const padsToSquare = config.pad_image_to_square
  const options = { highSide, lowSide, padsToSquare }
  return {
    name,
    plan: mgLlavaPlan(image, options),
    objects: mgLlavaBoxes(boxes, image, { ...boxOptions(config, padsToSquare), isTextLong }),
    pixels: () => mgLlavaPixels(image, options),
  }
}

/** The frames of a video, each with its own boxes. */
export function frameViews(
  { config, highSide, lowSide }: MgLlavaSight,
  frames: readonly Picture[],
  boxes: readonly Parameters<typeof mgLlavaBoxes>[0][],
): MgLlavaView[] {
  const padsToSquare = config.video_pad_image_to_square
  const options = { highSide, lowSide, padsToSquare }
  return frames.map(({ name, image }, i) => ({
    name,
    plan: mgLlavaPlan(image, options),
    objects: mgLlavaBoxes(boxes[i]!, image, boxOptions(config, padsToSquare)),
    pixels: () => mgLlavaFrames([image], options),
  }))
}

/**
 * Ids with one `IMAGE_ID` for each picture or video, prepared: each is repeated for every visual and object token
 * behind it, picture by picture, the objects behind their picture.
 * @param picturesOf how many views each placeholder stands for
 * @throws InputError `image-placeholder-count`
 */
export function layOutMgLlava(
  { tokensPerPicture }: MgLlavaSight,
  ids: readonly number[],
  views: readonly MgLlavaView[],
  picturesOf: readonly number[],
  question: string,
): MgLlavaPrepared {
  const tokens = views.map(({ objects }) => tokensPerPicture + objects.boxes.length)
  let next = 0
  const counts = picturesOf.map((count) => {
    const own = tokens.slice(next, next + count)
    next += count
    return own.reduce((sum, each) => sum + each, 0)
  })
  const promptIds = expandImageIds(ids, counts)
  const placeholders = promptIds.flatMap((id, position) => (id === IMAGE_ID ? [position] : []))
  let first = 0
  const spans = views.flatMap(({ objects }, picture): VisualSpan[] => {
    const start = placeholders[first]!
    const end = start + tokensPerPicture
    first += tokens[picture]!
    return [
      { picture, tile: 0, start, end },
      ...objects.boxes.map((_, object) => ({
        picture,
        tile: 0,
        start: end + object,
        end: end + object + 1,
        object,
      })),
    ]
  })
  return {
    question,
    promptIds,
    layout: { promptLength: promptIds.length, spans },
    pictures: views.map(({ name, plan, objects }, i) => ({ name, plan, objects, visualTokens: tokens[i]! })),
    compression: undefined,
    pixels: async (from, to) => joinPixels(views.slice(from, to).map((view) => view.pixels().high)),
    tileCount: views.length,
    views,
  }
}

/** Equal for equal pictures with equal boxes. */
function keysOf(
  pictures: readonly Picture[],
  views: readonly MgLlavaView[],
): () => Promise<readonly string[]> {
  const keys = tileKeys(
    pictures,
    views.map(({ plan }) => plan),
  )
  return async () => (await keys()).map((key, i) => `${key} ${JSON.stringify(views[i]!.objects.boxes)}`)
}

function joinPixels(parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const [, C, H, W] = parts[0]!.shape as [number, number, number, number]
  const data = new Float32Array(parts.length * C * H * W)
  for (const [i, part] of parts.entries()) data.set(part.data, i * C * H * W)
  return hostTensor('f32', [parts.length, C, H, W], data)
}
