import type { TextPiece } from '../generate/generate.ts'
import type { LabelledBox } from '../image/boxes.ts'
import type { Picture } from '../systems/system.ts'
import type { Turn } from '../text/templates.ts'
import { type Answer, AnswerStream } from './answer.ts'
import type { AskOptions, Model } from './model.ts'
import type { BoxChoice } from './objects.ts'
import { type DecodePicture, decodePictures } from './pictures.ts'

/** A conversation: every turn sees the earlier ones and their pictures. */
export class Chat<Encoded> {
  readonly #model: Model<Encoded>
  readonly #decode: DecodePicture<Encoded>
  readonly #options: AskOptions<Encoded>
  #turns: readonly Turn[] = []
  #pictures: readonly Picture[] = []
  #boxes: readonly (readonly LabelledBox[] | undefined)[] = []

  constructor(model: Model<Encoded>, decode: DecodePicture<Encoded>, options: AskOptions<Encoded>) {
    this.#model = model
    this.#decode = decode
    this.#options = options
  }

  /** What was asked and answered so far, placeholders of pictures included. */
  get turns(): readonly Turn[] {
    return this.#turns
  }

  /** Every picture that was shown so far. */
  get pictures(): readonly Picture[] {
    return this.#pictures
  }

  /** The answer to a next question; `images` are new ones. A turn that fails or is stopped leaves no trace. */
  ask(question: string, options: Omit<AskOptions<Encoded>, 'history'> = {}): Promise<Answer> {
    return this.stream(question, options).answer()
  }

  /** As `ask`, piece by piece. */
  stream(question: string, options: Omit<AskOptions<Encoded>, 'history'> = {}): AnswerStream {
    return new AnswerStream(this.#turn(question, options))
  }

  /** Forgets all turns and pictures. */
  reset(): void {
    this.#turns = []
    this.#pictures = []
    this.#boxes = []
  }

  async *#turn(
    question: string,
    { images = [], boxes: given, ...options }: Omit<AskOptions<Encoded>, 'history'>,
  ): AsyncGenerator<TextPiece, Answer> {
    const history = this.#turns
    const added = await decodePictures(images, this.#decode, this.#pictures.length)
    const pictures = [...this.#pictures, ...added]
    const own = given ?? this.#options.boxes
    const boxes = own === false ? false : [...this.#boxes, ...added.map((_, i) => own?.[i])]
    const asked = { ...this.#options, ...options, images: pictures, history }
    const stream = this.#model.stream(question, { ...asked, boxes: isEmpty(boxes) ? undefined : boxes })
    for await (const text of stream) yield { row: 0, text }
    const answer = await stream.answer()
    if (answer.stopReason !== 'aborted') {
      this.#turns = [...history, [answer.question, answer.text]]
      this.#pictures = pictures
      this.#boxes = pictures.map((_, i) => (boxes ? boxes[i] : undefined))
    }
    return answer
  }
}

/** Whether nobody said anything of boxes, which systems without them need not hear. */
function isEmpty(boxes: BoxChoice): boolean {
  return boxes !== false && boxes.every((own) => own === undefined)
}
