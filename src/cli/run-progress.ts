import type { OnEvent } from '../systems/system.ts'
import type { StatusLine } from './status-line.ts'
import { count, plural } from './words.ts'

/** Shows what a model is doing. `showsDecoding` is false where the answer itself appears on the terminal. */
export function runProgress(status: StatusLine, showsDecoding: boolean): OnEvent {
  let firstToken: { done: number; atMs: number } | undefined
  return (event) => {
    if (event.phase === 'notice') return status.note(event.message)
    const { phase, done, total, message } = event
    if (phase !== 'decoding') firstToken = undefined
    switch (phase) {
      case 'loading': {
        const part = message ?? 'the model'
        return status.show(
          `loading ${part}`,
          `loading ${part}${total > 0 ? ` (${Math.min(done + 1, total)} of ${total})` : ''}`,
          `loading ${part}`,
        )
      }
      case 'preparing':
        return status.show(phase, `preparing ${message ?? 'pictures'}`)
      case 'encoding':
        return status.show(
          phase,
          `encoding tile ${Math.min(done + 1, total)} of ${total}`,
          `encoding ${plural(total, 'tile')}`,
        )
      case 'detecting':
        return status.show(
          phase,
          `detecting: layer ${count(done)} of ${count(total)}`,
          `detecting: ${plural(total, 'layer')}`,
        )
      case 'tagging':
        return status.show(
          phase,
          `tagging: ${count(done)} of ${plural(total, 'tag')}`,
          `tagging: ${plural(total, 'tag')}`,
        )
      case 'compressing':
        return status.show(
          phase,
          `compressing ${count(done)} of ${count(total)} tokens`,
          `compressing ${plural(total, 'token')}`,
        )
      case 'prefill':
        return status.show(
          phase,
          `prefill ${count(done)} of ${count(total)} tokens`,
          `prefill of ${plural(total, 'token')}`,
        )
      case 'decoding': {
        firstToken ??= { done, atMs: performance.now() }
        if (!showsDecoding) return status.clear()
        const seconds = (performance.now() - firstToken.atMs) / 1000
        const rate =
          done > firstToken.done ? `, ${((done - firstToken.done) / seconds).toFixed(1)} tokens/s` : ''
        return status.show(phase, `decoding ${plural(done, 'token')}${rate}`, 'decoding')
      }
    }
  }
}
