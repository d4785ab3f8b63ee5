import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ExperimentLog } from './experiment-log.ts'

const folder = await mkdtemp(join(tmpdir(), 'panoptes-log-'))
after(() => rm(folder, { recursive: true }))
const path = join(folder, 'new/readings.jsonl')

test('rows are there again, but the half line of a process that was killed is not', async () => {
  const first = await ExperimentLog.open<{ word: string }>(path, { steps: 3 })
  await first.add({ word: 'ä' })
  await appendFile(path, '{"word":"ü')
  const second = await ExperimentLog.open<{ word: string }>(path, { steps: 3 })
  await second.add({ word: 'ö' })
  const third = await ExperimentLog.open<{ word: string }>(path, { steps: 3 })
  assert.deepEqual(
    third.rows.map(({ word }) => word),
    ['ä', 'ö'],
  )
})

test('results under other settings are refused, and the setting is named', async () => {
  await assert.rejects(ExperimentLog.open(path, { steps: 4 }), {
    code: 'lab-other-experiment',
    message: /steps was 3, now 4/,
  })
})
