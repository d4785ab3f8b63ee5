/** What a run is doing. Counts are tiles, tokens, tags, or layers of a detector. */
export interface RunEvent {
  readonly phase:
    | 'loading'
    | 'preparing'
    | 'tagging'
    | 'detecting'
    | 'encoding'
    | 'compressing'
    | 'prefill'
    | 'decoding'
  readonly done: number
  readonly total: number
  readonly message?: string
}

/** Something a person should know that does not stop the run. */
export interface NoticeEvent {
  readonly phase: 'notice'
  readonly message: string
}

export type OnEvent = (event: RunEvent | NoticeEvent) => void

/** How whatever runs for long is watched and stopped. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: OnEvent | undefined
}
