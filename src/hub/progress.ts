/** How far one pull is. Rates are of bytes that arrived in this run, smoothed over about five seconds. */
export interface Progress {
  readonly type: 'progress'
  readonly file: string
  readonly fileBytes: number
  readonly fileTotalBytes: number
  readonly doneBytes: number
  readonly totalBytes: number
  readonly bytesPerSecond: number
}

const smoothingSeconds = 5
const reportEveryMs = 100

/** Adds up the bytes of files that arrive side by side, and reports them at most ten times a second. */
export function progressMeter(totalBytes: number, report: (progress: Progress) => void) {
  const bytesOf = new Map<string, number>()
  let doneBytes = 0
  let receivedBytes = 0
  let bytesPerSecond = 0
  let lastReport = { atMs: performance.now(), receivedBytes: 0 }

  return {
    /** The file has `fileBytes` on disk; they count as received when an earlier call named the file. */
    update(file: string, fileBytes: number, fileTotalBytes: number): void {
      const before = bytesOf.get(file)
      bytesOf.set(file, fileBytes)
      doneBytes += fileBytes - (before ?? 0)
      if (before !== undefined && fileBytes > before) receivedBytes += fileBytes - before
      const now = performance.now()
      const seconds = (now - lastReport.atMs) / 1000
      if (fileBytes < fileTotalBytes && seconds * 1000 < reportEveryMs) return
      if (seconds > 0) {
        const rate = (receivedBytes - lastReport.receivedBytes) / seconds
        const isFirst = lastReport.receivedBytes === 0
        const weight = isFirst ? 1 : 1 - Math.exp(-seconds / smoothingSeconds)
        bytesPerSecond += weight * (rate - bytesPerSecond)
        lastReport = { atMs: now, receivedBytes }
      }
      report({ type: 'progress', file, fileBytes, fileTotalBytes, doneBytes, totalBytes, bytesPerSecond })
    },
    get receivedBytes(): number {
      return receivedBytes
    },
  }
}
