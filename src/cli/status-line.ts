import { printable } from './words.ts'

/** What a command is doing, told on stderr; results go to stdout. */
export interface StatusLine {
  /**
   * On a terminal, `live` replaces the line that stands there. Elsewhere `plain` becomes a line when the
   * phase is another than before, so that a log stays short.
   */
  show(phase: string, live: string, plain?: string): void
  /** A line that stays. */
  note(message: string): void
  /** Takes the updating line away, for text of others to follow. */
  clear(): void
}

/** Terminals repaint no faster than people read. */
const repaintMs = 100

/** `isQuiet` leaves out progress; notes stay. */
export function statusLine(stream: NodeJS.WriteStream = process.stderr, isQuiet = false): StatusLine {
  const isLive = stream.isTTY && process.env.TERM !== 'dumb'
  let phase: string | undefined
  let isPainted = false
  let paintedAt = 0

  function clear(): void {
    if (isPainted) stream.write('\r\x1b[2K')
    isPainted = false
  }
  return {
    clear,
    show(newPhase, live, plain = live) {
      if (isQuiet) return
      const isNew = newPhase !== phase
      phase = newPhase
      if (!isLive) {
        if (isNew) stream.write(`${printable(plain)}\n`)
        return
      }
      // What is computed may hold the event loop for seconds, so a new phase is painted at once.
      const now = performance.now()
      if (!isNew && isPainted && now - paintedAt < repaintMs) return
      paintedAt = now
      stream.write(
        `\r\x1b[2K${printable(live)
          .replace(/\s+/g, ' ')
          .slice(0, (stream.columns || 80) - 1)}`,
      )
      isPainted = true
    },
    note(message) {
      clear()
      stream.write(`panoptes: ${printable(message)}\n`)
    },
  }
}
