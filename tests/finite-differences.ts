import { addDims, type Dim, dim, evaluateDim } from '../src/graph/dim.ts'
import { gradients } from '../src/graph/gradient.ts'
import { bindShapes } from '../src/graph/onnx/write.ts'
import { mul, sum } from '../src/graph/ops/index.ts'
import { input, type Tensor } from '../src/graph/tensor.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { Program } from '../src/runtime/program.ts'
import { f32, type HostTensor } from '../src/tensor/tensor.ts'

/** Symbol names (`T`, `P + T`) or sizes of each input's axes; absent: every size is known. */
export type Symbols = readonly (readonly (string | number)[])[]

/** Uniform floats from a seed (mulberry32). */
export function seededFloats(seed: number, from = -1, to = 1): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return from + ((to - from) * ((t ^ (t >>> 14)) >>> 0)) / 2 ** 32
  }
}

/** A random f32 tensor. */
export function randomTensor(shape: readonly number[], seed: number, from = -1, to = 1): HostTensor<'f32'> {
  const next = seededFloats(seed, from, to)
  const count = shape.reduce((a, b) => a * b, 1)
  return f32(shape, Array.from({ length: count }, next))
}

/** The program inputs `x0`, `x1`, … for given values, with the named axes symbolic. */
export function inputsFor(values: readonly HostTensor[], symbols?: Symbols): Tensor[] {
  return values.map((value, i) => {
    const shape = value.shape.map((size, axis): Dim => {
      const name = symbols?.[i]?.[axis]
      return typeof name === 'string' ? addDims(...name.split(' + ').map(dim)) : size
    })
    return input(`x${i}`, value.dtype, shape)
  })
}

/** Values under the names of `inputsFor`. */
export function feedsFor(values: readonly HostTensor[]): Record<string, HostTensor> {
  return Object.fromEntries(values.map((value, i) => [`x${i}`, value]))
}

/** What `op` gives for values, on the reference device. */
export async function evaluate(
  op: (...x: Tensor[]) => Tensor,
  values: readonly HostTensor[],
  symbols?: Symbols,
): Promise<HostTensor> {
  const y = op(...inputsFor(values, symbols))
  const program = await Program.compile(
    'value',
    { y },
    { engine: await chooseEngine(), device: 'cpu', threads: 1 },
  )
  const { y: result } = await program.run(feedsFor(values))
  await program.dispose()
  return result!
}

export interface Slope {
  /** `x1[4]`: the input and the place in it. */
  readonly place: string
  readonly derived: number
  readonly measured: number
}

/**
 * d Σ op(x)·r / dx for random r, derived by `gradients` and measured by central differences, at up to `places`
 * elements of each float input. The outputs' differences are summed in float64, so that only the op itself rounds.
 */
export async function compareSlopes(
  op: (...x: Tensor[]) => Tensor,
  values: readonly HostTensor[],
  options: { symbols?: Symbols | undefined; step?: number; places?: number } = {},
): Promise<Slope[]> {
  const { symbols, step = 1e-2, places = 24 } = options
  const inputs = inputsFor(values, symbols)
  const y = op(...inputs)
  const r = input('r', 'f32', y.shape)
  const floats = inputs.flatMap((x, i) => (x.dtype === 'f32' ? [i] : []))
  const derived = gradients(
    sum(mul(y, r)),
    floats.map((i) => inputs[i]!),
  )
  const outputs = Object.fromEntries(derived.map((d, k) => [`d${floats[k]}`, d]))
  const program = await Program.compile(
    'slopes',
    { y, ...outputs },
    { engine: await chooseEngine(), device: 'cpu', threads: 1 },
  )
  const feeds = feedsFor(values)
  const known = bindShapes('slopes', new Map(inputs.map((x, i) => [`x${i}`, x])), feeds)
  const anyR = randomTensor(
    y.shape.map((d) => evaluateDim(d, known)),
    99,
  )
  const at = await program.run({ ...feeds, r: anyR })
  const next = seededFloats(7, 0, 1)
  const slopes: Slope[] = []
  for (const i of floats) {
    const value = values[i]!.data as Float32Array
    const chosen =
      value.length <= places
        ? value.keys()
        : Array.from({ length: places }, () => Math.floor(next() * value.length))
    for (const k of chosen) {
      const side = async (sign: number): Promise<{ x: number; y: Float32Array }> => {
        const moved = Float32Array.from(value)
        moved[k] = moved[k]! + sign * step
        const result = await program.run({ ...feeds, r: anyR, [`x${i}`]: { ...values[i]!, data: moved } }, [
          'y',
        ])
        return { x: moved[k]!, y: result.y!.data as Float32Array }
      }
      const [low, high] = [await side(-1), await side(1)]
      let rise = 0
      high.y.forEach((h, j) => {
        rise += (h - low.y[j]!) * anyR.data[j]!
      })
      const d = at[`d${i}`]!
      if (String(d.shape) !== String(values[i]!.shape))
        throw new Error(`d/dx${i} has shape [${d.shape}], x${i} has [${values[i]!.shape}]`)
      slopes.push({ place: `x${i}[${k}]`, derived: d.data[k] as number, measured: rise / (high.x - low.x) })
    }
  }
  await program.dispose()
  return slopes
}
