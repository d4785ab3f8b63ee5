import { seededFloats } from '../../tests/finite-differences.ts'
import { fakeTorchFile, pickleDict, pickleFile, pickleTensor } from '../checkpoint/fake-torch.ts'
import { elementCount, f32, type HostTensor } from '../tensor/tensor.ts'
import { type RamConfig, ramShapes } from './ram-config.ts'

/** A RAM++ of forty thousand weights for pictures of 32 pixels: three stages, windows of two. */
export const tinyRam = (tags: number, perTag = 3): RamConfig => ({
  swin: { patch_size: 4, window_size: 2, embed_dim: 8, depths: [2, 2, 1], num_heads: [1, 2, 4] },
  imageSize: 32,
  q2l: {
    hidden_size: 16,
    intermediate_size: 32,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    layer_norm_eps: 1e-12,
    hidden_act: 'gelu',
  },
  encoderWidth: 12,
  descriptions: tags * perTag,
  reweights: perTag > 1,
})

/** Random weights: norms near one, so that the picture comes through. */
export function ramWeights(config: RamConfig, seed = 1): Map<string, HostTensor<'f32'>> {
  const next = seededFloats(seed)
  return new Map(
    Object.entries(ramShapes(config)).map(([key, shape]) => {
      const isNorm = /norm\d?\.weight$/i.test(key)
      const values = Array.from({ length: elementCount(shape) }, () => (isNorm ? 1 + next() / 4 : next()))
      return [key, f32(shape, values)]
    }),
  )
}

/** The weights as the published files have them: a pickle of `{ model: state_dict }`. */
export function ramPth(weights: ReadonlyMap<string, HostTensor<'f32'>>): Uint8Array {
  const storages: Record<string, Float32Array> = {}
  const tensors = [...weights].map(([key, { shape, data }], i) => {
    storages[i] = data
    const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)))
    const storage = { storage: 'FloatStorage', key: String(i), length: data.length }
    return [key, pickleTensor({ ...storage, shape, strides })] as const
  })
  return fakeTorchFile(pickleFile(pickleDict({ model: pickleDict(Object.fromEntries(tensors)) })), storages)
}
