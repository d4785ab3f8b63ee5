import type { ActivationType } from '../graph/ops/index.ts'

/**
 * The type of quantised activations that this processor multiplies by s8 weights quickly.
 *
 * - x86 with VNNI or AMX: u8. Their instructions take u8 × s8 and accumulate exactly; s8 × s8 has no kernel there and is
 *   40 to 60 times slower (engine facts, section 2).
 * - x86 with AVX2 only: u8 as well. Its instruction adds two products in 16 bits, which overflow; engines are told to
 *   widen first (`session.x64quantprecision`, see `exactIntegerProducts`), which is exact and about as fast as float32:
 *   there int8 saves memory and decoding time, not prefill time.
 * - arm64: s8, whose dot-product instructions take two signed operands.
 * - WebAssembly: u8, the kernel that its SIMD build has.
 */
export function activationType(architecture: string | undefined = processorArchitecture()): ActivationType {
  return architecture === 'arm64' ? 'i8' : 'u8'
}

/** The session option that keeps u8 × s8 from overflowing; without effect where the processor accumulates exactly. */
export const exactIntegerProducts = { x64quantprecision: '1' } as const

/** As Node names it; undefined in browsers, whose engine is WebAssembly whatever the processor. */
function processorArchitecture(): string | undefined {
  return (globalThis as { process?: { arch?: string } }).process?.arch
}
