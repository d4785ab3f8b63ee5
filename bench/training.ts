import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { load, machine } from './peers/runner.ts'
import type { TrainingRow } from './training-run.ts'

/**
 * `node bench/training.ts [--sizes small,middle,large] [--steps 6] [--threads 2]`: what training all weights reaches, by size
 * of the model and with layers held or computed again: untrained models, drawn receipts, forms and tables of one tile; first
 * with the batches at hand, then while a worker draws them. Operations are those that a step needs when nothing is
 * computed twice; the peak is that of a product of two 2,048² matrices, taken in the same process.
 */
const sizes = {
  small: { width: 256, vision: 6, layers: 4, batch: 16 },
  middle: { width: 512, vision: 6, layers: 4, batch: 16 },
  large: { width: 768, vision: 8, layers: 6, batch: 8 },
}
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: Object.keys(sizes).join() },
    steps: { type: 'string', default: '6' },
    threads: { type: 'string', default: '2' },
  },
})
const names = values.sizes.split(',').filter((name): name is keyof typeof sizes => name in sizes)
if (names.join() !== values.sizes) {
  process.stderr.write(`--sizes takes some of ${Object.keys(sizes).join()}\n`)
  process.exit(2)
}
const folder = await mkdtemp(join(tmpdir(), 'panoptes-bench-training-'))
process.stdout.write(`${machine()}, ${values.threads} threads\n`)
process.stdout.write(
  '| parameters | batch | layers | s a step (of processor time) | tokens/s | GFLOP/s | of the peak | padding | ' +
    'peak memory | s a step while pictures are drawn | of it waiting |\n' +
    '|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n',
)
try {
  for (const name of names) {
    const { width, vision, layers, batch } = sizes[name]
    const model = join(folder, name)
    const size = ['--width', `${width}`, '--vision-layers', `${vision}`, '--layers', `${layers}`]
    run(['scripts/untrained-model.ts', '--out', model, ...size])
    for (const recompute of [false, true]) {
      const words = ['bench/training-run.ts', '--model', model, '--batch', `${batch}`]
      words.push(
        '--steps',
        values.steps,
        '--threads',
        values.threads,
        recompute ? '--recompute' : '--alongside',
      )
      process.stderr.write(`${name}, layers ${recompute ? 'computed again' : 'held'}…\n`)
      const row = JSON.parse(run(words)) as TrainingRow
      process.stdout.write(
        `| ${(row.parameters / 1e6).toFixed(1)} M | ${batch} | ${recompute ? 'again' : 'held'} | ` +
          `${row.secondsPerStep.toFixed(2)} (${row.processorSecondsPerStep.toFixed(2)}) | ` +
          `${row.tokensPerSecond.toFixed(0)} | ${row.gflops.toFixed(0)} | ` +
          `${percent(row.gflops / row.peakGflops)} of ${row.peakGflops.toFixed(0)} | ${percent(1 - row.realShare)} | ` +
          `${(row.peakMemoryBytes / 2 ** 30).toFixed(2)} GiB | ` +
          `${row.alongside ? `${row.alongside.secondsPerStep.toFixed(2)} | ${percent(row.alongside.waitedShare)}` : '|'} |\n`,
      )
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
process.stdout.write(`load ${load()}\n`)

/** What a script of this repository prints; its progress goes on to the terminal. */
function run(words: readonly string[]): string {
  const { status, stdout } = spawnSync(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${words[0]} ended with status ${status}`)
  return stdout.toString()
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`
}
