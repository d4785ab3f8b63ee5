import { findObjects } from '../detectors/find-objects.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { CompileChoices } from './compile-choices.ts'
import type { NodeDetector } from './load-detector.ts'
import type { NodeTagger } from './load-tagger.ts'
import type { ObjectFinder } from './objects.ts'

/** Who finds objects: paths or hub ids; those that MG-LLaVA's published boxes were made with by default. */
export interface ObjectFinderOptions extends CompileChoices {
  readonly tagger?: string | undefined
  readonly detector?: string | undefined
  /** A folder in which what was seen of pictures is kept, so that each is looked at once for all time. */
  readonly visualCacheDir?: string | undefined
}

const published = {
  tagger: 'xinyu1205/recognize-anything-plus-model',
  detector: 'google/owlv2-large-patch14-ensemble',
}

/** RAM++ and OWLv2, loaded when the first picture asks for them; each picture is looked at once. */
export function objectFinder(options: ObjectFinderOptions = {}): ObjectFinder {
  const { tagger = published.tagger, detector = published.detector, ...shared } = options
  let loading: Promise<{ tagger: NodeTagger; detector: NodeDetector }> | undefined
  return {
    async find({ image }, run) {
      loading ??= load(tagger, detector, shared)
      const loaded = await loading.catch((error: unknown) => {
        loading = undefined // what is missing may be there the next time
        throw error
      })
      return findObjects(image, loaded.tagger.tagger, loaded.detector.detector, run)
    },
    async dispose() {
      const loaded = await loading?.catch(() => undefined)
      await loaded?.tagger.dispose()
      await loaded?.detector.dispose()
    },
  }
}

async function load(
  taggerName: string,
  detectorName: string,
  shared: Omit<ObjectFinderOptions, 'tagger' | 'detector'>,
) {
  const [{ loadTagger }, { loadDetector }] = await Promise.all([
    import('./load-tagger.ts'),
    import('./load-detector.ts'),
  ])
  const tagger = await findable(loadTagger(taggerName, shared))
  const detector = await findable(loadDetector(detectorName, shared)).catch(async (error: unknown) => {
    await tagger.dispose()
    throw error
  })
  return { tagger, detector }
}

/** @throws CheckpointError `object-finder-missing` where the model is not on this machine */
async function findable<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    if (error.code !== 'model-not-pulled' && error.code !== 'model-folder-missing') throw error
    throw new CheckpointError(
      'object-finder-missing',
      `The model is told of the objects in a picture, which are found by a tagger and a detector: ${error.message} ` +
        'Or give boxes of your own, or go without them.',
      error.data,
      error,
    )
  }
}
