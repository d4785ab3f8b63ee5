import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileSource } from '../checkpoint/files.ts'

/** What changes a model's answers: weights, configuration, tokenizer. */
const counted = /\.(safetensors|bin|pth|pt|json|model)$/

/** A short name for what a model's folder holds, the same for the same bytes wherever they lie. */
export async function modelDigest(source: FileSource): Promise<string> {
  const hash = createHash('sha256')
  for (const path of [...(await source.list())].sort()) {
    const local = counted.test(path) ? await source.localPath(path) : undefined
    if (local === undefined) continue
    hash.update(path)
    for await (const chunk of createReadStream(local)) hash.update(chunk as Uint8Array)
  }
  return hash.digest('hex').slice(0, 16)
}
