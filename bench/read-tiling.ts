import type { TilingOptions } from '../src/tiling/tiling.ts'

/** What a command line says about how pictures are cut; undefined where it is no JSON. */
export function readTiling(json: string): TilingOptions | undefined {
  try {
    return JSON.parse(json) as TilingOptions
  } catch {
    return undefined
  }
}
