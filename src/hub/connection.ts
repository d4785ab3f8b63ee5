import { setTimeout as delay } from 'node:timers/promises'
import { AbortError, CheckpointError, PanoptesError } from '../tensor/errors.ts'
import { refusal } from './refusals.ts'
import type { HubSettings } from './settings.ts'

/** How requests to the hub are made: with which credentials, how patiently, and who is told of a retry. */
export interface Connection extends Pick<HubSettings, 'endpoint' | 'token'> {
  /** Failures in a row, without a byte of progress between them, before giving up. */
  readonly retries: number
  /** The first pause between two attempts; it doubles from one to the next, up to 30 s. */
  readonly retryDelayMs: number
  /** How long a connection may stay silent before it counts as broken. */
  readonly stallTimeoutMs: number
  readonly signal: AbortSignal | undefined
  onRetry(event: { what: string; attempt: number; delayMs: number; reason: string }): void
}

/** A failure that a later attempt may not meet: a busy server, a broken connection. */
class PassingFailure extends Error {
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs?: number) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504])
const longestDelayMs = 30_000

/**
 * What `attempt` gives, trying again after broken connections and busy servers (5xx, 429 with its
 * Retry-After). An attempt that moved `progress` starts the count of failures anew, so that a long download
 * survives any number of cuts as long as each attempt brings bytes.
 * @throws CheckpointError `hub-unreachable` when the attempts are used up; AbortError `aborted`
 */
export async function withRetries<T>(
  connection: Connection,
  what: string,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let failures = 0
  let reached = progress()
  for (;;) {
    try {
      throwIfAborted(connection.signal)
      return await attempt()
    } catch (error) {
      throwIfAborted(connection.signal)
      if (error instanceof PanoptesError || !isPassing(error)) throw error
      failures = progress() > reached ? 1 : failures + 1
      reached = progress()
      const reason = reasonOf(error)
      if (failures > connection.retries) throw unreachable(connection, what, failures, reason, error)
      const waitMs = pauseMs(connection, failures, error)
      connection.onRetry({ what, attempt: failures, delayMs: waitMs, reason })
      await delay(waitMs, undefined, { signal: connection.signal }).catch(() => undefined)
    }
  }
}

/**
 * The response to one GET, redirects followed, as seen by the hub (`first`, which carries the commit and the
 * checksum) and by the server that holds the bytes (`last`). The token goes to the hub alone.
 * @throws CheckpointError for a refusal, with the status's cause and fix; PassingFailure for what may pass
 */
export async function get(
  connection: Connection,
  url: string,
  headers: Readonly<Record<string, string>>,
  signal = connection.signal,
): Promise<{ first: Response; last: Response }> {
  let first: Response | undefined
  let address = new URL(url)
  for (let hops = 0; hops < 6; hops++) {
    const isHub = address.origin === new URL(connection.endpoint).origin
    const authorization = isHub && connection.token ? { authorization: `Bearer ${connection.token}` } : {}
    const response = await fetch(address, {
      headers: { 'user-agent': 'panoptes', ...headers, ...authorization },
      redirect: 'manual',
      ...(signal && { signal }),
    })
    first ??= response
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location) {
      await response.body?.cancel()
      address = new URL(location, address)
      continue
    }
    if (response.ok || response.status === 416) return { first, last: response }
    if (passingStatuses.has(response.status)) {
      await response.body?.cancel()
      throw new PassingFailure(`HTTP ${response.status}`, retryAfterMs(response))
    }
    throw await refusal(connection, url, response)
  }
  throw new CheckpointError('hub-redirects', `${url} redirects more than 5 times. Check HF_ENDPOINT.`, {
    url,
  })
}

/** @throws AbortError `aborted` */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new AbortError(
    'aborted',
    'The download was stopped. What had arrived is kept; pull again to go on.',
    {},
    signal.reason,
  )
}

/**
 * fetch reports a network failure as one of two TypeErrors; an abort that is not the caller's is a stall
 * timer.
 */
function isPassing(error: unknown): boolean {
  if (error instanceof PassingFailure) return true
  if (error instanceof TypeError) return /^(fetch failed|terminated)/.test(error.message)
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  return `${error.message} (${'code' in cause ? String(cause.code) : cause.message})`
}

function pauseMs(connection: Connection, failures: number, error: unknown): number {
  const asked = error instanceof PassingFailure ? error.retryAfterMs : undefined
  if (asked !== undefined) return Math.min(asked, 10 * longestDelayMs)
  return Math.min(connection.retryDelayMs * 2 ** (failures - 1), longestDelayMs)
}

function retryAfterMs(response: Response): number | undefined {
  const header = response.headers.get('retry-after')
  if (header === null) return undefined
  const seconds = Number(header) // the hub sends seconds; a date is left to the usual pause
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

function unreachable(
  connection: Connection,
  what: string,
  attempts: number,
  reason: string,
  cause: unknown,
): CheckpointError {
  return new CheckpointError(
    'hub-unreachable',
    `${what} could not be had from ${connection.endpoint} in ${attempts} attempts: ${reason}. ` +
      'What had arrived is kept; pull again to go on. Check the network and HF_ENDPOINT; behind a proxy, ' +
      'set HTTPS_PROXY and NODE_USE_ENV_PROXY=1; with the model in the cache already, set HF_HUB_OFFLINE=1.',
    { what, endpoint: connection.endpoint, attempts, reason },
    cause,
  )
}
