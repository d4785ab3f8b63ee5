// `node scripts/half-model.ts --model DIR --out DIR`: a model with its float32 weights in bfloat16, half as large, as it is shipped.
import { parseArgs } from 'node:util'
import { checkpointOfEntries } from '../src/checkpoint/entries.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { readModel } from '../src/systems/read-model.ts'
import { exportModel } from '../src/train/export.ts'

const { values } = parseArgs({ options: { model: { type: 'string' }, out: { type: 'string' } } })
if (values.model === undefined || values.out === undefined)
  throw new Error('Name the model and the folder to write: --model DIR --out DIR')
const source = await folderSource(values.model)
const { checkpoint } = await readModel(source)
const entries = checkpoint.keys().map((key) => checkpoint.entry(key))
// What is exported takes the types of the checkpoint that it changes.
const halves = checkpointOfEntries(
  checkpoint.name,
  entries.map((entry) => ({ ...entry, dtype: 'bf16' })),
)
await exportModel(values.out, source, halves, new Map(entries.map((entry) => [entry.key, entry])))
