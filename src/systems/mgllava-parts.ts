import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { parseConfig, readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { decoderOf } from '../decoders/registry.ts'
import {
  type ConvNextConfig,
  convNextConfig,
  namedConvNext,
  openClipConfig,
} from '../encoders/convnext-config.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { type TurnTemplate, turnTemplate } from '../text/turn-templates.ts'
import { clipTowerConfig } from './clip-tower.ts'
import { type Companion, findCompanion, withCompanions } from './companion.ts'
import {
  highTower,
  lowTower,
  type MgLlavaParts,
  mgLlavaConfig,
  publishedLanguageModel,
} from './mgllava-config.ts'
import type { ModelFiles } from './model-files.ts'

/** An MG-LLaVA checkpoint with the encoders and the language model that it was trained on. */
export interface AssembledMgLlava extends MgLlavaParts {
  readonly checkpoint: Checkpoint
  /** Where the tokenizer is: with the language model, or with the checkpoint where that names no other. */
  readonly tokenizerSource: FileSource
}

const architectures: Readonly<Record<string, string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  phi3: 'Phi3ForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
}

/**
 * Finds and puts together what an MG-LLaVA checkpoint needs. It holds what was trained: fusion and projectors (stage 1),
 * and the language model (stage 2); CLIP, ConvNeXt, the tokenizer and in stage 1 the language model are published apart.
 * @throws CheckpointError `companion-missing`, which says what to pull; `config-invalid`
 */
export async function assembleMgLlava(files: ModelFiles): Promise<AssembledMgLlava> {
  const config = parseConfig(mgLlavaConfig, withLanguageModel(files), `${files.source.name}/config.json`)
  const companions: readonly Companion[] = [
    {
      part: 'vision tower',
      field: 'visual_encoder',
      id: idOf(config.visual_encoder),
      from: 'vision_model.',
      to: `${lowTower}.`,
    },
    {
      part: 'high-resolution encoder',
      field: 'visual_encoder_aux',
      id: idOf(config.visual_encoder_aux),
      from: 'visual.trunk.',
      to: `${highTower}.`,
    },
    { part: 'language model', field: 'llm', id: idOf(config.llm), from: '', to: 'llm.' },
  ]
  const { checkpoint, sources } = await withCompanions(files, companions)
  const given = (part: string | object): object | undefined => (typeof part === 'string' ? undefined : part)
  const tower = await clipTowerConfig(
    given(config.visual_encoder),
    sources.get('vision tower'),
    checkpoint,
    `${lowTower}.`,
  )
  const convNext = await convNextOf(given(config.visual_encoder_aux), sources.get('high-resolution encoder'))
  const language =
    sources.get('language model') ??
    (typeof config.llm === 'string' ? await findCompanion(files, companions[2]!) : undefined)
  const languageConfig = given(config.llm) ?? (await readJsonFile(language!, 'config.json'))
  const decoder = decoderOf(
    withArchitecture(languageConfig),
    language?.name ?? `${files.source.name}/config.json (llm)`,
  )
  return { config, tower, convNext, decoder, checkpoint, tokenizerSource: language ?? files.source }
}

/** The chat template: the one that the configuration names, else that of the published model of these sizes. */
export function languageTemplate({ config, decoder }: MgLlavaParts): TurnTemplate {
  const published = publishedLanguageModel(decoder.vocabSize, decoder.hiddenSize)
  return turnTemplate(config.template ?? published?.template ?? 'vicuna')
}

/** The configuration, with the language model that the weights' sizes tell where it names none. */
function withLanguageModel({ config, checkpoint }: ModelFiles): unknown {
  const given = { ...(config as object | null) } as { llm?: unknown }
  const key = 'llm.model.embed_tokens.weight'
  if (given.llm !== undefined || !checkpoint.has(key)) return given
  const [vocabulary, hidden] = checkpoint.entry(key).shape as [number, number]
  const published = publishedLanguageModel(vocabulary, hidden)
  return published ? { ...given, llm: published.id } : given
}

function idOf(part: string | object): string | undefined {
  return typeof part === 'string' ? part : undefined
}

function withArchitecture(config: unknown): { readonly architectures?: readonly string[] } {
  const language = config as { readonly architectures?: readonly string[]; readonly model_type?: string }
  const known = architectures[language.model_type ?? '']
  return language.architectures || !known ? language : { ...language, architectures: [known] }
}

async function convNextOf(
  given: object | undefined,
  source: FileSource | undefined,
): Promise<ConvNextConfig> {
  if (given) return parseConfig(convNextConfig, given, 'the configuration of the high-resolution encoder')
  if (!source) return namedConvNext('convnext_large')
  const where = `${source.name}/open_clip_config.json`
  if (!(await source.has('open_clip_config.json')))
    throw new CheckpointError('file-missing', `${source.name} has no open_clip_config.json. Pull it again.`, {
      source: source.name,
    })
  const { model_cfg } = parseConfig(
    openClipConfig,
    await readJsonFile(source, 'open_clip_config.json'),
    where,
  )
  return namedConvNext(model_cfg.vision_cfg.timm_model_name)
}
