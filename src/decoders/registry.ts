import { z } from 'zod'
import { parseConfig } from '../checkpoint/config.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { Decoder } from './decoder.ts'
import { internLm2, internLm2Config } from './internlm2.ts'
import { llama, llamaConfig } from './llama.ts'

/** The Mistral models that other systems build on have no sliding window: all that would tell them from Llama. */
const mistralConfig = z.looseObject({
  sliding_window: z.null('only models without a sliding window can be loaded').optional(),
})

/** The decoders by the name that a configuration's `architectures[0]` gives. */
const families: Readonly<Record<string, (config: unknown, where: string) => Decoder>> = {
  InternLM2ForCausalLM: (config, where) => internLm2(parseConfig(internLm2Config, config, where)),
  LlamaForCausalLM: (config, where) =>
    llama(parseConfig(llamaConfig, config, where), { hasQkvBias: false, isPacked: false }),
  MistralForCausalLM: (config, where) =>
    llama(parseConfig(mistralConfig.pipe(llamaConfig), config, where), {
      hasQkvBias: false,
      isPacked: false,
    }),
  Qwen2ForCausalLM: (config, where) =>
    llama(parseConfig(llamaConfig, config, where), { hasQkvBias: true, isPacked: false }),
  Phi3ForCausalLM: (config, where) =>
    llama(parseConfig(llamaConfig, config, where), { hasQkvBias: false, isPacked: true }),
}

/**
 * The decoder that a language model's configuration describes.
 * @throws CheckpointError `unknown-decoder`, which lists the known ones; `config-invalid`
 */
export function decoderOf(config: { readonly architectures?: readonly string[] }, where: string): Decoder {
  const name = config.architectures?.[0] ?? ''
  const family = families[name]
  if (!family)
    throw new CheckpointError(
      'unknown-decoder',
      `${where} names the language model '${name}', which Panoptes does not know. ` +
        `Known are ${Object.keys(families).join(', ')}.`,
      { found: name, known: Object.keys(families) },
    )
  return family(config, where)
}
