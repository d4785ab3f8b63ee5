import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'
import { dim } from '../src/graph/dim.ts'
import { linearProduct } from '../src/graph/ops/index.ts'
import { input, weight } from '../src/graph/tensor.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { Program } from '../src/runtime/program.ts'
import { f32ToBf16 } from '../src/tensor/half.ts'
import { hostTensor } from '../src/tensor/tensor.ts'

/**
 * `node --expose-gc bench/native-memory.ts [--engine NAME] [--loads 50]`: what loading, running and disposing of a
 * 64 MiB model again and again leaves behind. Prints the resident memory in MiB after every tenth load, for float
 * weights (mapped) and bf16 weights (widened and packed).
 */
const { values } = parseArgs({
  options: { engine: { type: 'string' }, loads: { type: 'string', default: '50' } },
})
const size = 4096
const engine = await chooseEngine(values.engine)
const folder = await mkdtemp(join(tmpdir(), 'panoptes-memory-'))
for (const dtype of ['f32', 'bf16'] as const) {
  const floats = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i))
  const data = dtype === 'f32' ? floats : f32ToBf16(floats)
  const file = join(folder, `${dtype}.safetensors`)
  await writeFile(file, writeSafetensors(new Map([['w', hostTensor(dtype, [size, size], data as never)]])))
}
for (const dtype of ['f32', 'bf16'] as const) {
  const source = { ...(await folderSource(folder)), list: async () => [`${dtype}.safetensors`] }
  const w = weight((await openCheckpoint(source)).entry('w'))
  const resident: number[] = [await residentMiB()]
  for (let load = 1; load <= Number(values.loads); load++) {
    const x = input('x', 'f32', [dim('T'), size])
    const program = await Program.compile('load', { y: linearProduct(x, w) }, { engine, device: 'cpu' })
    await program.run({ x: hostTensor('f32', [300, size], new Float32Array(300 * size)) })
    if (load === 1) resident.push(await residentMiB())
    await program.dispose()
    if (load === 1 || load % 10 === 0) resident.push(await residentMiB())
  }
  process.stdout.write(
    `${engine.name} ${dtype}: before, loaded, after loads 1, 10, 20 …: ${resident.join(' ')} MiB\n`,
  )
}
await rm(folder, { recursive: true })

/** Anonymous and mapped memory in RAM, once garbage is gone. */
async function residentMiB(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kib = /VmRSS:\s+(\d+)/.exec(status)?.[1]
  return Math.round(kib ? Number(kib) / 1024 : process.memoryUsage().rss / 2 ** 20)
}
