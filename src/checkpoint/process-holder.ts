import { randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** This process as the content of a file that says who holds something; no two calls give the same. */
export function holderText(): string {
  return JSON.stringify({ pid: process.pid, machine, key: randomUUID() })
}

/** Whether a holder's text names a process of this machine that is no longer running; false where nobody can tell. */
export function isOfDeadProcess(text: string): boolean {
  try {
    const holder = JSON.parse(text) as { readonly machine?: unknown; readonly pid?: unknown } | null
    if (holder?.machine !== machine || typeof holder.pid !== 'number') return false
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

/** This machine as process ids see it: two containers with one host name do not share theirs. */
const machine = `${hostname()} ${processNamespace()}`

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return '' // not Linux
  }
}
