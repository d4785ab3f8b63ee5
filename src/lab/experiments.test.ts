import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

// Experiments as people run them: in processes that are stopped and killed.

const root = resolve(import.meta.dirname, '../..')
const folder = await mkdtemp(join(tmpdir(), 'panoptes-lab-'))
after(() => rm(folder, { recursive: true }))

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs an experiment; kills it at the first line of its progress that is asked for. */
function lab(words: readonly string[], isEnough: (line: string) => boolean = () => false): Promise<Outcome> {
  const model = join(root, 'tests/fixtures/mini-monkey')
  const command = [join(root, 'bin/panoptes.js'), 'lab', ...words, '--model', model, '--threads', '1']
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    if (stderr.split('\n').slice(0, -1).some(isEnough)) child.kill('SIGKILL')
  })
  return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })))
}

const small = ['--arms', 'dynamic,s2', '--seeds', '1', '--steps', '2', '--batch', '1', '--pairs', '1']

test('tilings that are killed in training and in reading end with the readings of an unbroken run', async () => {
  const tilings = (name: string) => ['tilings', ...small, '--out', join(folder, name)]
  const straight = await lab(tilings('straight'))
  assert.equal(straight.status, 0, straight.stderr)
  assert.match(straight.stdout, /### Equal pages\n\n\| tiling /)
  const at = (what: string) => (line: string) => line.startsWith(what)
  await lab(tilings('killed'), at('run 2 of 3 (s2, seed 1): took step 1 of 2'))
  await lab(tilings('killed'), at('run 2 of 3 (s2, seed 1): read page 1 of 2'))
  const last = await lab(tilings('killed'))
  assert.equal(last.status, 0, last.stderr)
  assert.equal(last.stdout, straight.stdout)
  const readings = (name: string) => readFile(join(folder, name, 'readings.jsonl'), 'utf8')
  assert.equal(await readings('killed'), await readings('straight'))
  // Nothing is done twice, and nothing of the finished experiment is mixed with another one.
  assert.doesNotMatch((await lab(tilings('killed'))).stderr, /took step/)
  const other = await lab([...tilings('killed'), '--learning-rate', '0.1'])
  assert.match(other.stderr, /learningRate was 0\.0003, now 0\.1/)
  assert.equal(other.status, 1)
})

test('compression is read at every ratio, in as many sittings as it takes', async () => {
  const compression = ['compression', '--pages', '2', '--out', join(folder, 'compression')]
  const none = await lab([...compression, '--minutes', '0'])
  assert.deepEqual([none.status, none.stdout], [0, ''])
  assert.match(none.stderr, /0 minutes are over\. .*the same command goes on/)
  await lab(compression, (line) => /^read page [5-9] of 22/.test(line))
  const { status, stdout, stderr } = await lab([...compression, '--json'])
  assert.equal(status, 0, stderr)
  const { ratios } = JSON.parse(stdout) as { ratios: { keep: number | 'none'; promptTokens: number }[] }
  assert.deepEqual(
    ratios.map(({ keep }) => keep),
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 'none'],
  )
  const tokens = ratios.map(({ promptTokens }) => promptTokens)
  assert.ok(tokens.every((count, i) => i === 0 || count >= tokens[i - 1]!))
  assert.equal(tokens.at(-1), tokens.at(-2))
})

test('wrong usage is told in a line', async () => {
  const fails = async (words: readonly string[], message: RegExp, status: number) => {
    const outcome = await lab(words)
    assert.match(outcome.stderr, message)
    assert.equal(outcome.status, status)
  }
  await fails(['tiling'], /There is no experiment 'tiling'\. It is one of tilings, compression/, 2)
  await fails(['compression', '--arms', 'msac'], /--arms has no effect on the experiment compression/, 2)
  await fails(['tilings', '--arms', 'mosaic'], /There is no tiling 'mosaic' to compare/, 2)
})
