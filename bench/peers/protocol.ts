/**
 * What a runner of one engine understands, a JSON line each on stdin, answered by a JSON line on stdout. Runners are
 * processes of their own, asked in turn, so that engines are compared in the same minutes of the same machine.
 */
export type DecoderRequest =
  /** Reads `tokens` new tokens behind a cache of `past`. */
  | { readonly op: 'prefill'; readonly tokens: number; readonly past: number }
  /** Decodes `count` tokens one by one behind a cache of `past`. */
  | { readonly op: 'decode'; readonly past: number; readonly count: number }

/** Encodes one tile, the same for all engines. */
export interface VisionRequest {
  readonly op: 'encode'
}

export type Request = DecoderRequest | VisionRequest

export interface Reply {
  readonly seconds: number
  /** Of all threads together. Steadier than `seconds` where other programs want the cores; waiting threads may spin. */
  readonly processorSeconds: number
  /** Resident memory of the runner, its highest so far. */
  readonly peakBytes: number
  /** A sample of what was computed, where engines compute the same. */
  readonly values?: readonly number[]
}

/** The decoder that all engines run with random weights: InternLM2-1.8B's sizes in the shape of Llama. */
export const size = {
  layers: 24,
  width: 2048,
  heads: 16,
  kvHeads: 8,
  headSize: 128,
  inner: 8192,
  vocab: 92544,
  rmsEpsilon: 1e-5,
  ropeBase: 1e6,
  context: 4736,
} as const

/** Serves requests until stdin ends. */
export async function serve<R extends Request>(
  run: (request: R) => Promise<Omit<Reply, 'peakBytes'>>,
): Promise<void> {
  const { createInterface } = await import('node:readline')
  process.stdout.write('{"ready":true}\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const measured = await run(JSON.parse(line) as R)
    const reply: Reply = { ...measured, peakBytes: process.resourceUsage().maxRSS * 1024 }
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }
}

/** Seconds that a piece of work takes. */
export async function timed(
  work: () => Promise<unknown>,
): Promise<Pick<Reply, 'seconds' | 'processorSeconds'>> {
  const began = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1e6 }
}

/** The pixels of the tile that all engines encode, [1, 3, S, S], as a normalised picture has them. */
export function tilePixels(side: number): Float32Array {
  return Float32Array.from({ length: 3 * side * side }, (_, i) => 2 * Math.sin(i * i * 1e-4))
}

/** Every `step`-th value: what a reply tells of a large result. */
export function sampled(data: Float32Array, step = 997): number[] {
  return Array.from({ length: Math.ceil(data.length / step) }, (_, i) => data[i * step]!)
}
