import { parentPort, workerData } from 'node:worker_threads'
import { folderSource } from '../checkpoint/folder.ts'
import type { Draw } from '../data/order.ts'
import { findBeside } from '../model/find-beside.ts'
import { readModel } from '../systems/read-model.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Stage } from './recipe.ts'
import { openSource } from './sample-source.ts'
import { openTask, type SampleOptions } from './task.ts'

/** What the worker is started with. */
export interface PreparerSetup {
  readonly folder: string
  readonly options: SampleOptions
  readonly data: Stage['data']
}

/** A batch that is asked for. */
export interface PrepareRequest {
  readonly id: number
  readonly draws: readonly Draw[]
}

/** The batch's tensors, or why there are none. */
export type PrepareReply =
  | { readonly id: number; readonly feeds: Record<string, HostTensor> }
  | { readonly id: number; readonly code: string; readonly message: string }

// A thread of its own reads or draws, decodes and cuts pictures while the engine computes.
const { folder, options, data } = workerData as PreparerSetup
const source = await folderSource(folder)
const { config, checkpoint } = await readModel(source)
const findModel = (id: string) => findBeside(id, folder)
const task = await openTask({ source, checkpoint, config, findModel }, options)
const sources = await Promise.all(data.map(openSource))

async function feedsOf(draws: readonly Draw[]): Promise<Record<string, HostTensor>> {
  const batch = await Promise.all(draws.map(({ source, index }) => sources[source]!.read(index)))
  return task.feeds(batch)
}

parentPort!.on('message', async ({ id, draws }: PrepareRequest) => {
  try {
    const feeds = await feedsOf(draws)
    const buffers = new Set(Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer))
    parentPort!.postMessage({ id, feeds } satisfies PrepareReply, [...buffers])
  } catch (error) {
    const { code = 'unexpected', message } = error as Error & { code?: string }
    parentPort!.postMessage({ id, code, message } satisfies PrepareReply)
  }
})
