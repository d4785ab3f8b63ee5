import { readFile } from 'node:fs/promises'
import { mergeCheckpoints, withPrefix } from '../../src/checkpoint/entries.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import { memorySource } from '../../src/checkpoint/memory.ts'
import { openFile } from '../../src/checkpoint/open.ts'
import { recordBoxes } from '../../src/detectors/box-file.ts'
import type { LabelledBox } from '../../src/image/boxes.ts'
import { highTower, lowTower } from '../../src/systems/mgllava-config.ts'
import { type AssembledMgLlava, assembleMgLlava } from '../../src/systems/mgllava-parts.ts'
import type { MgLlavaView } from '../../src/systems/mgllava-prepare.ts'
import { f32, type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'
import type { GoldenCase } from './case.ts'
import { caseWeights } from './programs.ts'

/** A case's model: its checkpoint with the encoders' files beside it. */
export async function assembledCase(golden: GoldenCase): Promise<AssembledMgLlava> {
  const folder = await folderSource(golden.folder)
  const checkpoint = mergeCheckpoints(golden.kind, [
    await caseWeights(golden),
    withPrefix(await openFile(folder, 'clip.safetensors'), 'vision_model.', `${lowTower}.`),
    withPrefix(await openFile(folder, 'convnext.safetensors'), 'visual.trunk.', `${highTower}.`),
  ])
  const source = memorySource(golden.kind, new Map())
  return assembleMgLlava({ source, checkpoint, config: golden.json.config })
}

/** The detector's records of `boxes.json` by name. */
export async function caseBoxes(golden: GoldenCase): Promise<ReadonlyMap<string, LabelledBox[]>> {
  const records = JSON.parse(await readFile(golden.file('boxes.json'), 'utf8')) as Readonly<
    Record<string, unknown>
  >
  return new Map(Object.entries(records).map(([name, record]) => [name, recordBoxes(record, name)]))
}

/** The boxes that the model is given of a view, [n, 4]. */
export function boxRows({ objects: { boxes } }: Pick<MgLlavaView, 'objects'>): HostTensor {
  return f32([boxes.length, 4], boxes.flat())
}

/** The first rows of one picture: [N, n, H] → [count, H]. */
export function objectRows(objects: HostTensor, picture: number, count: number): HostTensor {
  const [, most, width] = objects.shape as [number, number, number]
  const start = picture * most * width
  const rows = (objects.data as Float32Array<ArrayBuffer>).slice(start, start + count * width)
  return hostTensor('f32', [count, width], rows)
}
