import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { openInternVl2 } from './internvl2.ts'
import { openLlavaHf } from './llava-hf.ts'
import { openLlava } from './llava15.ts'
import { openMgLlava } from './mg-llava.ts'
import { openMiniMonkey } from './mini-monkey.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import type { System } from './system.ts'

type OpenSystem = (files: ModelFiles, options: OpenOptions) => Promise<System>

/** The systems by name. */
const systems: Readonly<Record<string, OpenSystem>> = {
  internvl2: openInternVl2,
  'mini-monkey': openMiniMonkey,
  llava: openLlava,
  'llava-hf': openLlavaHf,
  'mg-llava': openMgLlava,
}

/** The system of each `architectures[0]` that a published config.json names. */
const byArchitecture: Readonly<Record<string, string>> = {
  InternVLChatModel: 'internvl2',
  MiniMonkeyChatModel: 'mini-monkey',
  LlavaLlamaForCausalLM: 'llava',
  LlavaMistralForCausalLM: 'llava',
  LlavaForConditionalGeneration: 'llava-hf',
  LlavaNextForConditionalGeneration: 'llava-hf',
  MultiFuseObjectLLaVAModel: 'mg-llava',
}

/** Systems whose checkpoints are published without a config.json, by how keys begin that only they have. */
const byKeys: Readonly<Record<string, string>> = {
  'fuse_module.slow_conv.': 'mg-llava',
}

/** The system that a checkpoint's keys tell, where they do. */
export function systemOfKeys(checkpoint: Checkpoint): string | undefined {
  const keys = checkpoint.keys()
  return Object.entries(byKeys).find(([prefix]) => keys.some((key) => key.startsWith(prefix)))?.[1]
}

/** The names of all systems. */
export const systemNames: readonly string[] = Object.keys(systems)

/**
 * Opens the system that a checkpoint's configuration names, or the one asked for (Mini-Monkey's weights are often
 * published under InternVL's architecture).
 * @throws CheckpointError `unknown-architecture`, which lists the known ones
 */
export function openSystem(files: ModelFiles, options: OpenOptions, name?: string): Promise<System> {
  const config = files.config as { architectures?: unknown } | null
  const architectures = Array.isArray(config?.architectures) ? config.architectures : []
  const named = byArchitecture[String(architectures[0])]
  const chosen = name ?? named ?? systemOfKeys(files.checkpoint)
  const open = chosen === undefined ? undefined : systems[chosen]
  if (open) return open(files, options)
  throw name === undefined
    ? new CheckpointError(
        'unknown-architecture',
        `${files.source.name}/config.json names the architecture '${architectures[0] ?? ''}'. ` +
          `Known are ${Object.keys(byArchitecture).join(', ')}.`,
        { found: architectures[0], known: Object.keys(byArchitecture) },
      )
    : new CheckpointError(
        'unknown-system',
        `There is no system '${name}'. Known are ${systemNames.join(', ')}.`,
        {
          found: name,
          known: systemNames,
        },
      )
}
