import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseEngine } from '../../src/runtime/default-engine.ts'
import { type GoldenCase, type GoldenResult, type GoldenRunner, loadGoldenCase } from './case.ts'
import { compareTensor, exact, strictestTolerance, toleranceOf } from './compare.ts'

/**
 * `npm run golden -- [--engine NAME] [--recompute] FOLDER…`: compares what Panoptes computes, on the default engine or the
 * named one, with recorded outputs of official implementations; with `--recompute` in training by layers that are
 * computed a second time.
 */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: folders } = parseArgs({
    args: [...args],
    options: { engine: { type: 'string' }, recompute: { type: 'boolean' } },
    allowPositionals: true,
  })
  if (folders.length === 0) {
    process.stderr.write('usage: npm run golden -- [--engine NAME] [--recompute] FOLDER…\n')
    return 2
  }
  // The runners, which are loaded later, read them.
  if (values.engine !== undefined) process.env.PANOPTES_ENGINE = values.engine
  if (values.recompute) process.env.PANOPTES_GOLDEN_RECOMPUTE = '1'
  process.stdout.write(`engine: ${(await chooseEngine()).name}\n`)
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const folder of folders) count[await runFolder(resolve(folder))]++
  process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
  return count.failed + count.skipped > 0 ? 1 : 0
}

async function runFolder(folder: string): Promise<'passed' | 'failed' | 'skipped'> {
  const started = performance.now()
  const finish = (verdict: string, note: string): void => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stdout.write(`${verdict.padEnd(9)} ${basename(folder)}  ${note}  ${seconds} s\n`)
  }
  try {
    const golden = await loadGoldenCase(folder)
    const runner = await findRunner(golden.kind)
    if (!runner) {
      finish('no runner', `there is no tests/golden/runners/${golden.kind}.ts`)
      return 'skipped'
    }
    const problems = compareAll(golden, await runner(golden))
    for (const line of problems.lines) process.stdout.write(`  ${line}\n`)
    const isPass = problems.lines.length === 0
    const { unstated } = problems
    const note = unstated.length > 0 ? `, no tolerance stated for ${unstated.join(', ')}` : ''
    finish(
      isPass ? 'pass' : 'fail',
      `${problems.checked} compared, worst ${problems.worst.toFixed(3)} of tolerance${note}`,
    )
    return isPass ? 'passed' : 'failed'
  } catch (error) {
    process.stdout.write(`  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    finish('fail', 'the runner threw')
    return 'failed'
  }
}

async function findRunner(kind: string): Promise<GoldenRunner | undefined> {
  const path = join(import.meta.dirname, 'runners', `${kind}.ts`)
  if (!existsSync(path)) return undefined
  return ((await import(path)) as { run: GoldenRunner }).run
}

/** Every expected tensor in the runner's order (that of the graph), then those that it did not give. */
function compareAll(
  golden: GoldenCase,
  result: GoldenResult,
): { lines: string[]; worst: number; checked: number; unstated: string[] } {
  const lines = [...(result.mismatches ?? [])]
  const unstated: string[] = []
  let worst = 0
  const expected = new Map(
    [...golden.io].filter(([name]) => name.startsWith('expected.')).map(([name, t]) => [name.slice(9), t]),
  )
  for (const [name, actual] of result.tensors ?? []) {
    const wanted = expected.get(name)
    if (!wanted) continue
    expected.delete(name)
    const stated = toleranceOf(golden.json.tolerance, name)
    let outcome = compareTensor(actual, wanted, stated ?? exact)
    if (!stated && outcome.problem && wanted.dtype === 'f32') {
      outcome = compareTensor(actual, wanted, strictestTolerance(golden.json.tolerance))
      unstated.push(name)
    }
    worst = Math.max(worst, outcome.worst)
    if (outcome.problem) lines.push(`${name}: ${outcome.problem}`)
  }
  for (const name of expected.keys()) lines.push(`${name}: the runner gives no such value`)
  return { lines, worst, checked: result.checked, unstated }
}

process.exitCode = await main(process.argv.slice(2))
