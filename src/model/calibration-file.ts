import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import { cacheFolder } from '../runtime/cache-settings.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { type Precision, precisionNames } from '../runtime/precision.ts'
import { AbortError } from '../tensor/errors.ts'
import { calibrate } from './calibrate.ts'
import type { SpeedsByPrecision } from './speeds.ts'

const rate = z.number().positive()
const speeds = z.object({
  vision: rate,
  prefill: z.object({ linear: rate, attention: rate }),
  step: z.object({ weights: rate, attention: rate }),
})
const file = z.object({ machine: z.string(), speeds: z.record(z.enum(['fp32', 'int8', 'int4']), speeds) })

export interface CalibrationOptions {
  readonly threads?: number | undefined
  /** Measures again although the machine is known. */
  readonly again?: boolean | undefined
  /** Stops between two measurements. */
  readonly signal?: AbortSignal | undefined
  readonly onPrecision?: ((precision: Precision) => void) | undefined
}

/** This machine's speeds, measured once and kept in the cache folder. */
export async function machineSpeeds(options: CalibrationOptions = {}): Promise<SpeedsByPrecision> {
  const threads = options.threads ?? availableParallelism()
  const engine = await chooseEngine()
  // What was measured on another processor, engine or number of threads says nothing here.
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${threads} threads, ${engine.name}, 2`
  const path = join(cacheFolder(), 'speeds.json')
  const known = options.again ? undefined : await read(path, machine)
  if (known) return known
  const measured: Partial<Record<Precision, SpeedsByPrecision[Precision]>> = {}
  for (const precision of precisionNames) {
    if (options.signal?.aborted) throw new AbortError('aborted', 'Measuring was stopped.')
    options.onPrecision?.(precision)
    measured[precision] = await calibrate(precision, { engine, device: 'cpu', threads })
  }
  await makeFolder(dirname(path))
  await writeWhole(path, [Buffer.from(`${JSON.stringify({ machine, speeds: measured }, null, 2)}\n`)])
  return measured as SpeedsByPrecision
}

async function read(path: string, machine: string): Promise<SpeedsByPrecision | undefined> {
  try {
    const kept = file.parse(JSON.parse(await readFile(path, 'utf8')))
    return kept.machine === machine ? kept.speeds : undefined
  } catch {
    return undefined // absent, or written by another version: measured anew
  }
}
