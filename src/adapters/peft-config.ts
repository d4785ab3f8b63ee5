import { z } from 'zod'
import { parseConfig } from '../checkpoint/config.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { loraScale } from './adapter.ts'

/** What is read of peft's `adapter_config.json`, under peft's names. */
const schema = z.object({
  peft_type: z.literal('LORA'),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  rank_pattern: z.record(z.string(), z.int().positive()).nullish(),
  alpha_pattern: z.record(z.string(), z.number().positive()).nullish(),
})

export type PeftConfig = z.output<typeof schema>

/**
 * Fields that change what an adapter's weights mean, and the values with which they change nothing. Of
 * `init_lora_weights`, the named starts (pissa, olora, …) also change the base weights, so that what was trained
 * belongs to another base model; `gaussian` and the like only draw A in another way.
 */
const harmless: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [false],
  use_qalora: [false],
  fan_in_fan_out: [false],
  bias: ['none'],
  lora_bias: [false],
  layer_replication: [],
  trainable_token_indices: [],
  target_parameters: [],
  alora_invocation_tokens: [],
  init_lora_weights: [true, false, 'gaussian', 'orthogonal', 'eva'],
}

/**
 * A LoRA configuration as peft writes it.
 * @throws CheckpointError `adapter-type` for another kind of adapter, `adapter-unsupported` for a variant of LoRA that
 * the weights alone do not tell, `config-invalid`
 */
export function parsePeftConfig(config: unknown, where: string): PeftConfig {
  const fields = (config ?? {}) as Readonly<Record<string, unknown>>
  const type = fields.peft_type
  if (type !== 'LORA')
    throw new CheckpointError(
      'adapter-type',
      `${where} describes ${type === undefined ? 'no peft_type' : `an adapter of type ${JSON.stringify(type)}`}; ` +
        'LORA is the one that is known.',
      { found: type, known: ['LORA'] },
    )
  for (const [field, values] of Object.entries(harmless)) {
    const value = fields[field] ?? undefined
    if (value === undefined || values.includes(value)) continue
    throw new CheckpointError(
      'adapter-unsupported',
      `${where} sets ${field} to ${JSON.stringify(value).slice(0, 80)}, which is not computed here. Merge the adapter ` +
        'with peft, and load the merged model.',
      { field, value },
    )
  }
  const parsed = parseConfig(schema, config, where)
  for (const pattern of Object.keys({ ...parsed.rank_pattern, ...parsed.alpha_pattern })) {
    if (/^\^?[\w.-]+$/.test(pattern)) continue
    throw new CheckpointError(
      'adapter-unsupported',
      `${where} gives the pattern ${JSON.stringify(pattern)} a rank or alpha of its own. Modules are known by their ` +
        'names or the ends of these alone: write them out.',
      { pattern },
    )
  }
  return parsed
}

/** The rank of a module's pair, and the factor of its product. */
export function pairSettings(module: string, config: PeftConfig): { rank: number; scale: number } {
  const rank = patterned(module, config.rank_pattern) ?? config.r
  const alpha = patterned(module, config.alpha_pattern) ?? config.lora_alpha
  return { rank, scale: loraScale({ rank, alpha, usesRslora: config.use_rslora }) }
}

/** The value of the first name that a module is called by or ends with. */
function patterned(module: string, values: Readonly<Record<string, number>> | null | undefined) {
  const found = Object.entries(values ?? {}).find(([name]) =>
    name.startsWith('^') ? module === name.slice(1) : isCalled(module, name),
  )
  return found?.[1]
}

/** Whether a module is named by its whole path or by the end of it, as peft's lists do. */
export function isCalled(module: string, name: string): boolean {
  return module === name || module.endsWith(`.${name}`)
}
