import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

/** What one picture gives, as computed: see `Owlv2PatchOutputs`; the batch is 1, or as large as it was. */
export interface PatchValues {
  readonly classEmbeds: HostTensor<'f32'>
  readonly logitShift: HostTensor<'f32'>
  readonly logitScale: HostTensor<'f32'>
  readonly boxes: HostTensor<'f32'>
  readonly objectness: HostTensor<'f32'>
}

/** The numbers of a patch beside its class embedding, by name, in the order in which they are packed. */
const widths = { logitShift: 1, logitScale: 1, boxes: 4, objectness: 1 } as const
const extra = 7

/** One picture's values as one tensor, a row a patch: [N, t + 7]. */
export function packPatches(values: PatchValues): HostTensor<'f32'> {
  const [, N, t] = values.classEmbeds.shape as [number, number, number]
  const columns = [
    [values.classEmbeds, t],
    ...Object.entries(widths).map(([name, width]) => [values[name as keyof PatchValues], width] as const),
  ] as const
  const packed = new Float32Array(N * (t + extra))
  for (let patch = 0, o = 0; patch < N; patch++)
    for (const [{ data }, width] of columns) {
      packed.set(data.subarray(patch * width, (patch + 1) * width), o)
      o += width
    }
  return hostTensor('f32', [N, t + extra], packed)
}

/** What was packed for N patches with t numbers each; undefined when it is of another model. */
export function unpackPatches(
  packed: HostTensor<'f32'> | undefined,
  N: number,
  t: number,
): PatchValues | undefined {
  if (packed?.shape.length !== 2 || packed.shape[0] !== N || packed.shape[1] !== t + extra) return undefined
  let start = 0
  const take = (width: number): Float32Array<ArrayBuffer> => {
    const values = new Float32Array(N * width)
    for (let patch = 0; patch < N; patch++) {
      const from = patch * (t + extra) + start
      values.set(packed.data.subarray(from, from + width), patch * width)
    }
    start += width
    return values
  }
  return {
    classEmbeds: hostTensor('f32', [1, N, t], take(t)),
    logitShift: hostTensor('f32', [1, N, 1], take(widths.logitShift)),
    logitScale: hostTensor('f32', [1, N, 1], take(widths.logitScale)),
    boxes: hostTensor('f32', [1, N, 4], take(widths.boxes)),
    objectness: hostTensor('f32', [1, N], take(widths.objectness)),
  }
}
