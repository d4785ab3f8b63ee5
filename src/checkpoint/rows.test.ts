import assert from 'node:assert/strict'
import { test } from 'node:test'
import { f32 } from '../tensor/tensor.ts'
import { checkpointOf } from './entries.ts'
import { memorySource } from './memory.ts'
import { openFile } from './open.ts'
import { rowReader } from './rows.ts'
import { writeSafetensors } from './write-safetensors.ts'

const table = f32([4, 2], [0, 1, 2, 3, 4, 5, 6, 7])
const file = writeSafetensors(new Map([['table', table]]))

test('only the rows that are asked for are read from a file', async () => {
  const source = memorySource('a page', new Map([['m.safetensors', file]]))
  const entry = (await openFile(source, 'm.safetensors')).entry('table')
  const lengths: number[] = []
  const counted = {
    ...source,
    readRange: (path: string, offset: number, length: number) => {
      lengths.push(length)
      return source.readRange(path, offset, length)
    },
  }
  const read = rowReader({ ...entry, place: { ...entry.place!, source: counted } })
  assert.deepEqual(await read(1, 3), f32([2, 2], [2, 3, 4, 5]))
  assert.deepEqual(lengths, [16])
})

test('a weight that lies in no file gives the same rows', async () => {
  const read = rowReader(checkpointOf('memory', new Map([['table', table]])).entry('table'))
  assert.deepEqual(await read(3, 4), f32([1, 2], [6, 7]))
})
