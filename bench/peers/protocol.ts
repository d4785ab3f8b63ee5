/**
 * What a runner of one engine understands, a JSON line each on stdin, answered by a JSON line on stdout. Runners are
 * processes of their own, asked in turn, so that engines are compared in the same minutes of the same machine.
 */
export type Request =
  /** Reads `tokens` new tokens behind a cache of `past`. */
  | { readonly op: 'prefill'; readonly tokens: number; readonly past: number }
  /** Decodes `count` tokens one by one behind a cache of `past`. */
  | { readonly op: 'decode'; readonly past: number; readonly count: number }

export interface Reply {
  readonly seconds: number
  /** Resident memory of the runner, its highest so far. */
  readonly peakBytes: number
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
export async function serve(run: (request: Request) => Promise<number>): Promise<void> {
  const { createInterface } = await import('node:readline')
  process.stdout.write('{"ready":true}\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const seconds = await run(JSON.parse(line) as Request)
    const reply: Reply = { seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }
}

/** Seconds that a piece of work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
