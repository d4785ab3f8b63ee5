import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { InputError } from '../tensor/errors.ts'

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where the hub and its cache are; what is left out comes from the environment. */
export interface HubOptions {
  /** The cache's folder, which holds `models--org--name`. */
  cacheDir?: string | undefined
  /** The hub's address, without a slash at the end. */
  endpoint?: string | undefined
  /** An access token; `''` sends none, even where the machine has one. */
  token?: string | undefined
  env?: Environment | undefined
}

export interface HubSettings {
  readonly cacheDir: string
  readonly endpoint: string
  readonly token: string | undefined
  readonly isOffline: boolean
}

/**
 * The hub's settings, by the names and in the order of the Hugging Face tools: HF_HUB_CACHE (or the older
 * HUGGINGFACE_HUB_CACHE), HF_HOME, XDG_CACHE_HOME; HF_ENDPOINT; HF_TOKEN (or HUGGING_FACE_HUB_TOKEN), then
 * the file HF_TOKEN_PATH or $HF_HOME/token; HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE). A variable that is set
 * but empty counts as not set, which is where `getHFHubCachePath` of @huggingface/hub differs.
 * @throws InputError `hub-endpoint` when the endpoint is not an http(s) address.
 */
export function hubSettings(options: HubOptions = {}): HubSettings {
  const env = options.env ?? process.env
  const home = expandHome(
    env.HF_HOME || join(expandHome(env.XDG_CACHE_HOME || join(homedir(), '.cache')), 'huggingface'),
  )
  const cacheDir = options.cacheDir || env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub')
  return {
    cacheDir: expandHome(cacheDir),
    endpoint: checkEndpoint(options.endpoint || env.HF_ENDPOINT || 'https://huggingface.co'),
    token: options.token === undefined ? tokenOf(env, home) : options.token || undefined,
    isOffline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
  }
}

/** A path whose leading `~` is the user's home, as shells that did not expand it meant it. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

function tokenOf(env: Environment, home: string): string | undefined {
  const token = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN
  if (token) return token.trim() || undefined
  try {
    return readFileSync(expandHome(env.HF_TOKEN_PATH || join(home, 'token')), 'utf8').trim() || undefined
  } catch {
    return undefined // nobody has logged in on this machine
  }
}

function checkEndpoint(endpoint: string): string {
  const protocol = URL.canParse(endpoint) ? new URL(endpoint).protocol : undefined
  if (protocol === 'https:' || protocol === 'http:') return endpoint.replace(/\/+$/, '')
  throw new InputError(
    'hub-endpoint',
    `The hub's address is "${endpoint}", which is not an http(s) address. ` +
      `Set HF_ENDPOINT to one such as https://huggingface.co, or unset it.`,
    { endpoint },
  )
}

/** The values that the Hugging Face tools read as true. */
function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '')
}
