import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import type { OnEvent } from '../runtime/run-events.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { type DescriptionTable, describedTable, descriptionTable } from './description-table.ts'
import type { DescribedTags } from './open-tags.ts'
import type { RamConfig } from './ram-config.ts'
import { readTagList, type Tag, type TagListOptions, thresholdFile } from './tag-list.ts'

/** What a tagger looks for: names and thresholds, and the descriptions of each. */
export interface TagTable {
  readonly tags: readonly Tag[]
  readonly table: DescriptionTable
}

/**
 * The tags of the list that belongs to the checkpoint, whose descriptions stay in its file.
 * @throws CheckpointError `tag-list-length`, and what `readTagList` throws
 */
export async function listedTags(
  checkpoint: Checkpoint,
  source: FileSource,
  { descriptions, reweights }: RamConfig,
  options: TagListOptions & { readonly onEvent?: OnEvent | undefined },
): Promise<TagTable> {
  const { tags, hasThresholds } = await readTagList(source, options)
  const fits = descriptions % tags.length === 0 && (reweights || descriptions === tags.length)
  if (!fits)
    throw new CheckpointError(
      'tag-list-length',
      `The list has ${tags.length} tags, but label_embed has ${descriptions} rows, ` +
        `${reweights ? 'which is not a whole number of descriptions for each' : 'one for each tag'}. ` +
        'Use the list that belongs to the checkpoint.',
      { tags: tags.length, descriptions },
    )
  if (!hasThresholds)
    options.onEvent?.({
      phase: 'notice',
      message: `there is no ${thresholdFile}: every tag has the threshold ${tags[0]!.threshold}`,
    })
  return { tags, table: descriptionTable(checkpoint.entry('label_embed'), tags.length) }
}

/**
 * The caller's own tags.
 * @throws CheckpointError `text-tower-width`, `single-description`
 */
export function openTable(
  { tags, descriptions }: DescribedTags,
  { encoderWidth, reweights }: RamConfig,
): TagTable {
  const [, perTag, width] = descriptions.shape
  if (width !== encoderWidth)
    throw new CheckpointError(
      'text-tower-width',
      `The text tower describes tags in ${width} numbers, but the tagger reads ${encoderWidth}. ` +
        'Use the tower that it was trained with: openai/clip-vit-base-patch16.',
      { found: width, expected: encoderWidth },
    )
  if (perTag !== 1 && !reweights)
    throw new CheckpointError(
      'single-description',
      `The tags have ${perTag} descriptions each, but this is a RAM checkpoint, which reads one. ` +
        'Give one for each tag, or use RAM++.',
      { found: perTag },
    )
  return { tags, table: describedTable(descriptions) }
}
