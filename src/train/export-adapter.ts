import { join } from 'node:path'
import type { LoraPair } from '../adapters/adapter.ts'
import { peftPrefix } from '../adapters/peft-folder.ts'
import type { Checkpoint, WeightEntry } from '../checkpoint/checkpoint.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { entryToWrite } from '../checkpoint/write-safetensors.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import type { LoraSettings } from './lora.ts'
import { writeTensors } from './run-folder.ts'

/** What a run trained, as an adapter of the model that it began with. */
export interface TrainedAdapter {
  /** What the recipe calls that model. */
  readonly baseModel: string
  readonly settings: LoraSettings
  readonly pairs: ReadonlyMap<string, LoraPair>
  /** The weights that were trained whole, by key. */
  readonly whole: ReadonlyMap<string, WeightEntry>
}

/**
 * Writes an adapter as peft saves it: `adapter_config.json` and `adapter_model.safetensors`, pairs under
 * `base_model.model.<module>.lora_A.weight` and `…lora_B.weight`; modules whose weights were trained whole under their
 * own keys, all of them, as `modules_to_save`.
 * @returns why there is none: peft's layout cannot say that a layer has a pair and was trained whole too
 */
export async function exportAdapter(
  folder: string,
  checkpoint: Checkpoint,
  { baseModel, settings, pairs, whole }: TrainedAdapter,
): Promise<string | undefined> {
  const saved = outermost([...whole.keys()].map(parentOf))
  for (const module of saved) {
    const adapted = [...pairs.keys()].find((name) => isWithin(name, module))
    if (adapted === undefined && module !== '') continue
    return module === ''
      ? `${[...whole.keys()].find((key) => parentOf(key) === '')} is of no module`
      : `${adapted} has a pair, and ${module} was trained whole`
  }
  const savedKeys = checkpoint.keys().filter((key) => saved.some((module) => isWithin(key, module)))
  const tensors = [
    ...[...pairs.values()].flatMap(({ a, b }) => [a, b]),
    ...savedKeys.map((key) => whole.get(key) ?? checkpoint.entry(key)),
  ].map((entry) => entryToWrite({ ...entry, key: peftPrefix + entry.key }))
  await makeFolder(folder)
  await writeTensors(join(folder, 'adapter_model.safetensors'), tensors)
  const config = peftConfig(baseModel, settings, [...pairs.keys()], saved)
  await writeWhole(join(folder, 'adapter_config.json'), [Buffer.from(`${JSON.stringify(config, null, 2)}\n`)])
  return undefined
}

/** The fields that peft writes, under its names and in its order. */
function peftConfig(
  baseModel: string,
  { rank, alpha, usesRslora = false }: LoraSettings,
  targets: readonly string[],
  saved: readonly string[],
) {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: saved.length > 0 ? saved : null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: targets,
    task_type: null,
    use_dora: false,
    use_rslora: usesRslora,
  }
}

/** The module that holds a weight; empty for one of the model itself. */
function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')))
}

function isWithin(name: string, module: string): boolean {
  return name === module || name.startsWith(`${module}.`)
}

/** The modules that no other one holds: peft saves a module with all below it. */
function outermost(modules: readonly string[]): string[] {
  const all = [...new Set(modules)]
  return all.filter((module) => !all.some((other) => other !== module && isWithin(module, other)))
}
