import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { type Precision, precisionNames } from '../runtime/precision.ts'
import type { PromptWork } from '../systems/system.ts'
import { elementCount } from '../tensor/tensor.ts'
import { prefillSeconds, type SpeedsByPrecision, stepSeconds, visionSeconds } from './speeds.ts'

/** What a question would take in one precision. */
export interface Forecast {
  readonly precision: Precision
  /** By phase, on a machine that does nothing else; `firstToken` is their sum. */
  readonly seconds: {
    readonly encode: number
    readonly compress: number
    readonly prefill: number
    readonly firstToken: number
    /** Each token of the answer. */
    readonly token: number
  }
  /** The most that the process holds at a time, weights mapped from files included. */
  readonly memoryBytes: number
}

/** Bytes of a weight's value: int4 has 4 bits and a scale for every block, and reads prompts in int8. */
const weightBytes: Readonly<Record<Precision, number>> = { fp32: 4, int8: 1.01, int4: 1.01 }

/** The program, the engine and its buffers, measured (bench/README.md). */
const baseBytes = 0.45e9

/** Attention scores of a chunk of 512 tokens over the whole prompt, in the few copies that the operators make. */
function scoreBytes(tokens: number): number {
  return 512 * tokens * 16 * 4 * 2
}

/**
 * The most that is held at a time. In int4 the vision tower is closed when the prompt is read (`closesUnused`): the rest
 * is what a step reads and the text's embeddings, which stay in their file.
 */
function mostBytes(precision: Precision, values: number, work: PromptWork): number {
  const cacheBytes = work.decoderTokens * work.cacheValues * 4
  const reading = cacheBytes + scoreBytes(work.decoderTokens)
  if (precision !== 'int4') return baseBytes + values * weightBytes[precision] + reading
  return baseBytes + Math.max(values * weightBytes.int4, work.step.weights * weightBytes.int4 + reading)
}

/** Forecasts for every precision. */
export function forecasts(work: PromptWork, checkpoint: Checkpoint, speeds: SpeedsByPrecision): Forecast[] {
  const values = checkpoint.keys().reduce((sum, key) => sum + elementCount(checkpoint.entry(key).shape), 0)
  return precisionNames.map((precision) => {
    const speed = speeds[precision]
    const encode = visionSeconds(speed, work.encode)
    const compress = prefillSeconds(speed, work.compress)
    const prefill = prefillSeconds(speed, work.prefill)
    return {
      precision,
      seconds: {
        encode,
        compress,
        prefill,
        firstToken: encode + compress + prefill,
        token: stepSeconds(speed, work.step),
      },
      memoryBytes: mostBytes(precision, values, work),
    }
  })
}
