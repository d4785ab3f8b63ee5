import { seededFloats } from '../../tests/finite-differences.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { elementCount, f32 } from '../tensor/tensor.ts'
import { clipFiles, clipVocabSize } from './clip-fixture.test.ts'
import { owlv2Config, owlv2Shapes } from './owlv2-config.ts'

/** An OWLv2 of twenty thousand weights: pictures of 32 pixels, 16 patches, queries of up to 16 ids. */
export const tinyOwlv2 = {
  architectures: ['Owlv2ForObjectDetection'],
  model_type: 'owlv2',
  projection_dim: 16,
  text_config: {
    vocab_size: clipVocabSize,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
  },
  vision_config: {
    hidden_size: 24,
    intermediate_size: 48,
    num_hidden_layers: 5,
    num_attention_heads: 3,
    image_size: 32,
    patch_size: 8,
  },
}

/** The files of its folder, with random weights: norms near one, so that pictures and words come through. */
export function owlv2Files(config: unknown = tinyOwlv2): Map<string, Uint8Array> {
  const next = seededFloats(3)
  const weights = new Map(
    Object.entries(owlv2Shapes(owlv2Config.parse(tinyOwlv2))).map(([key, shape]) => {
      const isNorm = /norm\d?\.weight$/.test(key)
      const values = Array.from({ length: elementCount(shape) }, () =>
        isNorm ? 1 + next() / 4 : 0.35 * next(),
      )
      return [key, f32(shape, values)]
    }),
  )
  return new Map([
    ...clipFiles,
    ['config.json', new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`)],
    ['model.safetensors', writeSafetensors(weights)],
  ])
}
