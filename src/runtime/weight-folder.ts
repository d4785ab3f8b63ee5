import { EngineError } from '../tensor/errors.ts'
import type { WeightFile } from './engine.ts'

/**
 * The one folder below which all mapped weight files lie under their locations: where ONNX Runtime looks for what a
 * model of bytes keeps outside itself.
 * @throws EngineError `weights-elsewhere`
 */
export function weightFolder(weights: readonly WeightFile[]): string {
  let folder: string | undefined
  for (const file of weights) {
    if (!('localPath' in file)) continue
    const path = file.localPath.replaceAll('\\', '/')
    const above = path.endsWith(`/${file.location}`) ? path.slice(0, -file.location.length) : undefined
    if (above === undefined || (folder ?? above) !== above)
      throw new EngineError(
        'weights-elsewhere',
        `The engine finds weights by their path below one folder, but ${file.location} is ${file.localPath}.`,
        { location: file.location, localPath: file.localPath, folder },
      )
    folder = above
  }
  return folder ?? '.'
}
