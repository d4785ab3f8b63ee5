import type { WeightEntry, WeightPlace } from '../checkpoint/checkpoint.ts'
import { type Tensor, topologicalOrder } from '../graph/tensor.ts'
import { EngineError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Device, WeightFile } from './engine.ts'
import type { QuantisedStore } from './quantised-weights.ts'

/** Where the weights of one program come from. */
export interface PlacedWeights {
  /** What lies in a file that the engine gets beside the model. */
  readonly places: ReadonlyMap<WeightEntry, FilePart>
  /** What is written into the model. */
  readonly values: ReadonlyMap<WeightEntry, HostTensor>
  readonly files: readonly WeightFile[]
}

interface FilePart {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/** Bytes handed over as one file: few requests and buffers, each far below what engines and browsers take. */
const spanBytes = 2 ** 28
/** A hole between two weights that is cheaper to fetch than to leave out. */
const holeBytes = 2 ** 16

/**
 * Decides for every weight below `outputs` whether the engine maps it from a file of this machine, gets its bytes
 * (read here, and only those that this program needs), or finds its values inside the model. An engine takes either
 * paths or bytes, so one file that is elsewhere makes bytes of all. Computed weights go through the store's files where
 * it has some, since a model may hold 2 GiB at most.
 * @throws EngineError `weights-scattered`
 */
export async function placeWeights(
  outputs: readonly Tensor[],
  device: Device,
  store?: QuantisedStore,
): Promise<PlacedWeights> {
  const values = new Map<WeightEntry, HostTensor>()
  const files = new Map<string, PlacedEntry[]>()
  for (const entry of weightsBelow(outputs)) {
    const { place } = entry.computed && store?.placed ? await store.placed(entry) : entry
    if (!place || place.length === 0) {
      values.set(entry, await entry.read())
      continue
    }
    const id = `${place.source.name}\n${place.path}`
    const placed = files.get(id) ?? []
    placed.push({ entry, place })
    files.set(id, placed)
  }
  const used = await Promise.all(
    [...files.values()].map(async (entries): Promise<UsedFile> => {
      const localPath = await localPathOf(entries[0]!.place, device)
      return { localPath, entries }
    }),
  )
  const mapped = used.filter((file): file is MappedFile => file.localPath !== undefined)
  const placed =
    mapped.length === used.length
      ? mapFiles(mapped)
      : await readSpans(used.flatMap(({ entries }) => spansOf(entries)))
  return { ...placed, values }
}

/** A file and what the program needs of it. */
interface UsedFile {
  readonly localPath: string | undefined
  readonly entries: PlacedEntry[]
}

/** A weight, and where its values lie. */
interface PlacedEntry {
  readonly entry: WeightEntry
  readonly place: WeightPlace
}

type MappedFile = UsedFile & { readonly localPath: string }
type FilesAndPlaces = Omit<PlacedWeights, 'values'>

/** Every weight at its place in its own file, which is named by its path below the folder that holds all. */
function mapFiles(mapped: readonly MappedFile[]): FilesAndPlaces {
  const places = new Map<WeightEntry, FilePart>()
  const paths = mapped.map(({ localPath }) => localPath.replaceAll('\\', '/').split('/'))
  const depth = sharedFolders(paths)
  const files = mapped.map(({ localPath, entries }, i) => {
    const location = paths[i]!.slice(depth).join('/')
    for (const { entry, place } of entries)
      places.set(entry, { location, offset: place.offset, length: place.length })
    return { location, localPath }
  })
  return { places, files }
}

/** How many folders all paths begin with. @throws EngineError `weights-scattered` when there are none: two drives */
function sharedFolders(paths: readonly (readonly string[])[]): number {
  const [first, ...others] = paths
  if (!first) return 0
  let depth = first.length - 1
  for (const path of others) {
    const differs = path.findIndex((folder, i) => folder !== first[i])
    depth = Math.min(depth, path.length - 1, differs < 0 ? depth : differs)
  }
  if (depth === 0 && paths.some((path) => path.length > 1))
    throw new EngineError(
      'weights-scattered',
      `The weights of one program lie on several drives (${paths.map((path) => path[0]).join(', ')}). ` +
        'Put them, and the cache folder, on one.',
    )
  return depth
}

/** Every span as a file in memory. */
async function readSpans(spans: readonly Span[]): Promise<FilesAndPlaces> {
  const places = new Map<WeightEntry, FilePart>()
  const files: WeightFile[] = []
  for (const { start, end, entries } of spans) {
    const { source, path } = entries[0]!.place
    const location = `span-${files.length}`
    files.push({ location, bytes: await source.readRange(path, start, end - start) })
    for (const { entry, place } of entries)
      places.set(entry, { location, offset: place.offset - start, length: place.length })
  }
  return { places, files }
}

function weightsBelow(outputs: readonly Tensor[]): Set<WeightEntry> {
  const entries = new Set<WeightEntry>()
  for (const { source } of topologicalOrder(outputs)) if (source.kind === 'weight') entries.add(source.entry)
  return entries
}

/** WebAssembly has no file system to map from. */
async function localPathOf({ source, path }: WeightPlace, device: Device): Promise<string | undefined> {
  return device === 'wasm' ? undefined : source.localPath(path)
}

interface Span {
  readonly start: number
  end: number
  readonly entries: PlacedEntry[]
}

/** The weights of one file, gathered into runs of neighbours. */
function spansOf(entries: readonly PlacedEntry[]): Span[] {
  const spans: Span[] = []
  for (const placed of entries.toSorted((a, b) => a.place.offset - b.place.offset)) {
    const { offset, length } = placed.place
    const span = spans.at(-1)
    const end = Math.max(span?.end ?? 0, offset + length)
    if (span && offset - span.end <= holeBytes && end - span.start <= spanBytes) {
      span.end = end
      span.entries.push(placed)
    } else spans.push({ start: offset, end: offset + length, entries: [placed] })
  }
  return spans
}
