import { type Canvas, createCanvas, type ImageData } from '@napi-rs/canvas'

/** A finished picture, made as a canvas or as pixels; the other form is made when it is first asked for. */
export class Picture {
  #canvas: Canvas | undefined
  #pixels: ImageData | undefined
  readonly width: number
  readonly height: number

  constructor(made: Canvas | ImageData) {
    this.width = made.width
    this.height = made.height
    if ('getContext' in made) this.#canvas = made
    else this.#pixels = made
  }

  get canvas(): Canvas {
    if (!this.#canvas) {
      this.#canvas = createCanvas(this.width, this.height)
      this.#canvas.getContext('2d').putImageData(this.#pixels!, 0, 0)
    }
    return this.#canvas
  }

  get pixels(): ImageData {
    this.#pixels ??= this.#canvas!.getContext('2d').getImageData(0, 0, this.width, this.height)
    return this.#pixels
  }
}
