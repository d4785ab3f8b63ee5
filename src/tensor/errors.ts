/** Data that an error carries, so that a caller can decide without parsing its sentence. */
export type ErrorData = Readonly<Record<string, unknown>>

/**
 * The root of every error that Panoptes throws on purpose: a sentence for people (what was found, what was
 * expected, what to do), a stable `code` and the `data` behind it for programs.
 */
export class PanoptesError extends Error {
  readonly code: string
  readonly data: ErrorData

  constructor(code: string, message: string, data: ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.data = data
  }
}

/** The caller's input cannot be used: an image, a question, an option, a tensor of the wrong shape. */
export class InputError extends PanoptesError {}

/** A checkpoint, its configuration or its tokenizer cannot be used as it is on disk. */
export class CheckpointError extends PanoptesError {}

/** Model code put tensors together that do not fit: names the op, the shapes and the line. */
export class GraphError extends PanoptesError {}

/** The engine refused or failed: no such device, out of memory, a failed run. */
export class EngineError extends PanoptesError {}

/** The caller's AbortSignal fired; whatever had been finished is in `data`. */
export class AbortError extends PanoptesError {}
