import type { Checkpoint, WeightEntry } from '../checkpoint/checkpoint.ts'
import { readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { openFile } from '../checkpoint/open.ts'
import type { DType } from '../tensor/dtype.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { Adapter, LoraPair } from './adapter.ts'
import { type PeftConfig, pairSettings, parsePeftConfig } from './peft-config.ts'
import { problemList } from './problem-list.ts'

/** How every key of a peft file begins; the base model's own key follows. */
export const peftPrefix = 'base_model.model.'

const configFile = 'adapter_config.json'

const floats: readonly DType[] = ['f32', 'f16', 'bf16']

/**
 * A LoRA adapter in the layout in which peft saves it: `adapter_config.json` beside `adapter_model.safetensors` (or
 * `.bin`), pairs as `base_model.model.<module>.lora_A.weight` and `…lora_B.weight`, whole weights (`modules_to_save`)
 * as `base_model.model.<key>`. LLaVA's `non_lora_trainables.bin` is read too. Reads headers alone.
 * @throws CheckpointError `adapter-missing`, `adapter-type`, `adapter-unsupported`, `adapter-broken` (which names every
 * key that is wrong), and what the files' readers throw
 */
export async function openAdapter(source: FileSource): Promise<Adapter> {
  if (!(await source.has(configFile)))
    throw new CheckpointError(
      'adapter-missing',
      `${source.name} is no adapter: it has no ${configFile}. Name the folder in which peft saved it.`,
      { source: source.name },
    )
  const config = parsePeftConfig(await readJsonFile(source, configFile), `${source.name}/${configFile}`)
  const file = await adapterFile(source)
  const adapter = sortKeys(await openFile(source, file), config)
  const others = 'non_lora_trainables.bin'
  if (!(await source.has(others))) return adapter
  return {
    ...adapter,
    weights: new Map([...adapter.weights, ...llavaWeights(await openFile(source, others))]),
  }
}

async function adapterFile(source: FileSource): Promise<string> {
  for (const file of ['adapter_model.safetensors', 'adapter_model.bin'])
    if (await source.has(file)) return file
  throw new CheckpointError(
    'adapter-missing',
    `${source.name} has an ${configFile} and neither adapter_model.safetensors nor adapter_model.bin beside it. ` +
      'Copy or download the adapter again.',
    { source: source.name },
  )
}

/** The pairs and the whole weights of a peft file. */
function sortKeys(file: Checkpoint, config: PeftConfig): Adapter {
  const halves = { A: new Map<string, WeightEntry>(), B: new Map<string, WeightEntry>() }
  const weights = new Map<string, WeightEntry>()
  const problems: string[] = []
  for (const key of file.keys()) {
    const entry = file.entry(key)
    const name = key.startsWith(peftPrefix) ? key.slice(peftPrefix.length) : undefined
    const [, module, half] = /^(.+)\.lora_([AB])\.weight$/.exec(name ?? '') ?? []
    if (name === undefined) problems.push(`${key} does not begin with ${peftPrefix}`)
    else if (!floats.includes(entry.dtype)) problems.push(`${key} holds ${entry.dtype}, no floats`)
    else if (module) halves[half as 'A' | 'B'].set(module, entry)
    else if (/(^|\.)(lora|adora|trainable_tokens)_/.test(name))
      problems.push(`${key} is no pair of a linear layer`)
    else weights.set(name, { ...entry, key: name })
  }
  const pairs = new Map<string, LoraPair>()
  for (const module of new Set([...halves.A.keys(), ...halves.B.keys()])) {
    const [a, b] = [halves.A.get(module), halves.B.get(module)]
    const key = `${peftPrefix}${module}.lora_`
    if (!a || !b) {
      problems.push(`${key}${a ? 'A' : 'B'}.weight has no ${key}${a ? 'B' : 'A'}.weight`)
      continue
    }
    const { rank, scale } = pairSettings(module, config)
    const fits = a.shape.length === 2 && b.shape.length === 2 && a.shape[0] === rank && b.shape[1] === rank
    if (!fits)
      problems.push(
        `${key}A.weight is ${shapeText(a)} and ${key}B.weight ${shapeText(b)}; at rank ${rank} of ${configFile} ` +
          `they are [${rank}, in] and [out, ${rank}]`,
      )
    pairs.set(module, { a, b, scale })
  }
  if (pairs.size === 0 && problems.length === 0) problems.push('there is no lora_A or lora_B at all')
  if (problems.length > 0) throw broken(file.name, problems)
  return { name: file.name, pairs, weights }
}

function shapeText({ shape }: WeightEntry): string {
  return `[${shape.join(', ')}]`
}

function broken(name: string, problems: readonly string[]): CheckpointError {
  return new CheckpointError(
    'adapter-broken',
    `${name} is no LoRA adapter as peft saves it:\n${problemList(problems)}`,
    { problems },
  )
}

/**
 * What LLaVA trains whole beside its adapter (the projector), under the model's keys. Source: LLaVA,
 * `model/builder.py`: one `base_model.` is stripped, and one of two `model.` where there are two.
 */
function llavaWeights(file: Checkpoint): Map<string, WeightEntry> {
  const stripped = file.keys().map((key) => [key, key.replace(/^base_model\./, '')] as const)
  const isDoubled = stripped.some(([, key]) => key.startsWith('model.model.'))
  return new Map(
    stripped.map(([key, name]) => {
      const own = isDoubled ? name.replace(/^model\./, '') : name
      return [own, { ...file.entry(key), key: own }]
    }),
  )
}
