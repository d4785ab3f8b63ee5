import type { FileSource } from '../checkpoint/files.ts'
import { nearestKeys } from '../checkpoint/nearest.ts'
import { CheckpointError, InputError } from '../tensor/errors.ts'

/** One tag that a tagger knows. */
export interface Tag {
  readonly name: string
  /** The tag is given when its probability lies above this; 1 means never. */
  readonly threshold: number
}

/** The official names of the lists, whose lines belong to the rows of the checkpoint's `label_embed`. */
export const tagListFile = 'ram_tag_list.txt'
export const thresholdFile = 'ram_tag_list_threshold.txt'

/** What the published code uses where there is no list of thresholds. */
export const defaultThreshold = 0.68

/** Where the lists lie, or their text. */
export interface TagListOptions {
  /** One tag a line. */
  readonly tagList?: string | undefined
  /** One threshold a line. */
  readonly thresholds?: string | undefined
  /** Where both are looked for when they do not lie beside the checkpoint. */
  readonly listsElsewhere?: FileSource | undefined
}

/**
 * The tags beside a checkpoint: `ram_tag_list.txt` and, where it is, `ram_tag_list_threshold.txt`. The checkpoint
 * itself holds neither; both are published with the official code.
 * @throws CheckpointError `tag-list-missing`, `thresholds-broken`
 */
export async function readTagList(
  source: FileSource,
  options: TagListOptions = {},
): Promise<{ tags: Tag[]; hasThresholds: boolean }> {
  const found = options.tagList === undefined ? await findLists(source, options) : { names: options.tagList }
  const names = linesOf(found.names)
  const own = options.thresholds ?? found.thresholds
  const thresholds = own ? linesOf(own) : []
  if (thresholds.length > 0 && thresholds.length !== names.length)
    throw new CheckpointError(
      'thresholds-broken',
      `There are ${thresholds.length} thresholds for ${names.length} tags. Line n of ${thresholdFile} belongs to ` +
        `line n of ${tagListFile}: take both from one place, or remove the thresholds to use ${defaultThreshold}.`,
      { tags: names.length, thresholds: thresholds.length },
    )
  return {
    tags: names.map((name, i) => ({ name, threshold: threshold(thresholds[i], i) })),
    hasThresholds: thresholds.length > 0,
  }
}

interface FoundLists {
  readonly names: string
  readonly thresholds?: string | undefined
}

/** Both lists from one place, the first that has the names. */
async function findLists(source: FileSource, { listsElsewhere }: TagListOptions): Promise<FoundLists> {
  const places = [source, ...(listsElsewhere ? [listsElsewhere] : [])]
  for (const place of places) {
    const names = await readText(place, tagListFile)
    if (names !== undefined) return { names, thresholds: await readText(place, thresholdFile) }
  }
  throw new CheckpointError(
    'tag-list-missing',
    `There is no ${tagListFile} in ${places.map((place) => place.name).join(' or ')}. A RAM checkpoint does not hold ` +
      `the names of its tags: put ${tagListFile} and ${thresholdFile} there, from the folder ram/data of ` +
      'github.com/xinyu1205/recognize-anything, or name the files.',
    { places: places.map((place) => place.name), file: tagListFile },
  )
}

function threshold(line: string | undefined, index: number): number {
  if (line === undefined) return defaultThreshold
  const value = /^\s*$/.test(line) ? Number.NaN : Number(line)
  if (value >= 0 && value <= 1) return value
  throw new CheckpointError(
    'thresholds-broken',
    `Line ${index + 1} of ${thresholdFile} is ${JSON.stringify(line.slice(0, 40))}, not a number from 0 to 1.`,
    { line: index + 1 },
  )
}

/** Lines without the empty ones behind the last. */
function linesOf(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/)
}

async function readText(source: FileSource, path: string): Promise<string | undefined> {
  return (await source.has(path)) ? new TextDecoder().decode(await source.read(path)) : undefined
}

/**
 * The indices of the named tags, ascending.
 * @throws InputError `tag-unknown`, which names the nearest tags.
 */
export function tagIndices(tags: readonly Tag[], names: readonly string[]): number[] {
  const indices = new Map(tags.map((tag, index) => [tag.name, index]))
  const found = names.map((name) => {
    const index = indices.get(name)
    if (index !== undefined) return index
    const nearest = nearestKeys(name, indices.keys())
    const hint = nearest.length > 0 ? ` The nearest are: ${nearest.join(', ')}.` : ''
    throw new InputError(
      'tag-unknown',
      `There is no tag ${JSON.stringify(name)} among the ${tags.length} of the list.${hint}`,
      { tag: name, nearest },
    )
  })
  return [...new Set(found)].sort((a, b) => a - b)
}
