import { readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import type { DetectOptions, SimilarOptions } from '../detectors/detect-options.ts'
import { type Detector, type DetectResult, openDetector } from '../detectors/detector.ts'
import { findModel } from '../hub/find.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { OnEvent } from '../runtime/run-events.ts'
import type { Picture } from '../systems/system.ts'
import { type CompileChoices, compileInNode } from './compile-choices.ts'
import { type EncodedPicture, node } from './load-node.ts'
import { decodePictures } from './pictures.ts'
import { visualTokenFolder } from './visual-store.ts'

/** How a detector is loaded; with Node's engine on the CPU unless something else is named. */
export interface LoadDetectorOptions extends CompileChoices {
  /** What fills the square beside a picture that is none: 0.5 by default; 0 as in the original training. */
  readonly padding?: number | undefined
  /** A folder in which what was seen of pictures is kept, so that each is looked at once for all time. */
  readonly visualCacheDir?: string | undefined
  readonly onEvent?: OnEvent | undefined
}

/** A picture as Node has it: a file, encoded bytes or pixels. */
type NodePicture = EncodedPicture | RgbImage | Picture

/** A detector that takes pictures as Node has them; pictures that cannot be read are an InputError. */
export interface NodeDetector {
  readonly detector: Detector
  /** As `Detector.detect`. */
  detect(picture: NodePicture, labels: readonly string[], options?: DetectOptions): Promise<DetectResult>
  /** As `Detector.detectSimilar`. */
  detectSimilar(picture: NodePicture, query: NodePicture, options?: SimilarOptions): Promise<DetectResult>
  /** Frees all weights. */
  dispose(): Promise<void>
}

/**
 * Loads an OWLv2 checkpoint: a folder in its published layout, a hub id that was pulled, or any source of files.
 * @example
 * const detector = await loadDetector('google/owlv2-base-patch16-ensemble')
 * const { detections } = await detector.detect('street.jpg', ['cat', 'red umbrella'])
 * @throws as `openDetector`, and CheckpointError `model-folder-missing`, `model-not-pulled`
 */
export async function loadDetector(
  model: string | FileSource,
  options: LoadDetectorOptions = {},
): Promise<NodeDetector> {
  const { padding, visualCacheDir, onEvent, ...choices } = options
  onEvent?.({ phase: 'loading', done: 0, total: 0, message: 'files' })
  const source = typeof model === 'string' ? await folderSource((await findModel(model)).folder) : model
  const config = await readJsonFile(source, 'config.json')
  const compile = await compileInNode(choices)
  const variant = `detector ${compile.device} ${compile.precision?.vision}`
  const store =
    visualCacheDir === undefined ? undefined : await visualTokenFolder(visualCacheDir, [source], variant)
  const files = { source, checkpoint: await openCheckpoint(source), config }
  const detector = await openDetector(files, { compile, onEvent, padding, store })
  return {
    detector,
    async detect(picture, labels, detectOptions) {
      const [decoded] = await decodePictures([picture], node.decode)
      return detector.detect(decoded!.image, labels, detectOptions)
    },
    async detectSimilar(picture, query, similarOptions) {
      const [decoded, example] = await decodePictures([picture, query], node.decode)
      return detector.detectSimilar(decoded!.image, example!.image, similarOptions)
    },
    dispose: () => detector.dispose(),
  }
}
