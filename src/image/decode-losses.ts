import type { ImageInfo } from './decode.ts'

/** What of a file its decoded picture does not show, a sentence each; empty where nothing is lost. */
export function decodeLosses({ pages, isTransparent }: ImageInfo): string[] {
  const losses: string[] = []
  if (pages > 1) losses.push(`only the first of its ${pages} frames or pages is looked at.`)
  if (isTransparent) losses.push('its transparency is left out; the colours beneath it are looked at.')
  return losses
}
