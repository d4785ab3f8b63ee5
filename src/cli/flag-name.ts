import type { Option } from './option.ts'

/** `maxNewTokens` → `--max-new-tokens`. */
export function flagName(key: string, option?: Option<unknown>): string {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return `--${option?.isNegated ? 'no-' : ''}${words}`
}
