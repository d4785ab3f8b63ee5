/** The public names that need no file system: everything that runs in a browser too. */
export { planTiles, type TilingOptions, tilingStrategies } from './tiling/tiling.ts'
