import { writeOnnx } from '../graph/onnx/write.ts'
import { type ActivationType, integerProduct } from '../graph/ops/index.ts'
import { constant, input } from '../graph/tensor.ts'
import { f32, hostTensor } from '../tensor/tensor.ts'
import type { Engine } from './engine.ts'

/** How a processor multiplies quantised activations by s8 weights. */
export interface IntegerForm {
  readonly activations: ActivationType
  /** Whether the engine must be told to widen its operands, since its fast product overflows. */
  readonly widens: boolean
}

/**
 * The form that is fast and exact on this processor.
 *
 * - x86 with VNNI or AMX: u8 activations. Their instructions take u8 × s8 and accumulate exactly; s8 × s8 has no kernel
 *   there and is 40 to 60 times slower (engine facts, section 2).
 * - x86 with AVX2 only: u8 too. Its instruction adds two products in 16 bits, which overflow; the engine's remedy
 *   (`session.x64quantprecision`) is exact and about as fast as float32: there int8 saves memory and decoding time, not
 *   prefill time. Elsewhere the remedy would be 8 times slower than doing without, so the engine is asked for one
 *   product that overflows where anything does: names of processors and flags differ by system.
 * - arm64: s8 activations, for its dot-product instructions take two signed operands.
 * - WebAssembly: u8, the kernel that its SIMD build has.
 */
export async function integerForm(
  engine: Engine,
  device: 'cpu' | 'wasm',
  architecture: string | undefined = processorArchitecture(),
): Promise<IntegerForm> {
  if (device === 'wasm') return { activations: 'u8', widens: false }
  if (architecture === 'arm64') return { activations: 'i8', widens: false }
  const widens = known.get(engine) ?? overflows(engine)
  known.set(engine, widens)
  widens.catch(() => known.delete(engine))
  return { activations: 'u8', widens: await widens }
}

const known = new WeakMap<Engine, Promise<boolean>>()

/** Whether the engine's product of the largest operands comes out wrong. */
async function overflows(engine: Engine): Promise<boolean> {
  const [M, K, N] = [4, 64, 16]
  const weights = constant(hostTensor('i8', [K, N], new Int8Array(K * N).fill(127)))
  const scales = constant(f32([N], Array(N).fill(1)))
  const y = integerProduct(input('x', 'u8', [M, K]), weights, scales)
  const { bytes } = await writeOnnx(
    'overflow test',
    { y },
    {
      target: { device: 'cpu' },
      locate: () => undefined,
      values: () => {
        throw new Error('the test has no weights')
      },
    },
  )
  const session = await engine.open(bytes, [], { device: 'cpu', threads: 1 })
  try {
    const x = hostTensor('u8', [M, K], new Uint8Array(M * K).fill(255))
    const { y: found } = await session.run({ x }, ['y'])
    // 255 stands for 1 and 127 for 127.
    return (found!.data as Float32Array).some((value) => Math.abs(value / (K * 127) - 1) > 1e-3)
  } finally {
    await session.dispose()
  }
}

/** As Node names it; undefined in browsers. */
function processorArchitecture(): string | undefined {
  return (globalThis as { process?: { arch?: string } }).process?.arch
}
