import { folderSource } from '../../../src/checkpoint/folder.ts'
import { queryBatch, queryTokens } from '../../../src/detectors/owlv2-queries.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import { loadTokenizer } from '../../../src/text/load-tokenizer.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface Config {
  readonly bos: number
  readonly eos: number
  readonly model_max_length: number
}

interface TokensCase {
  readonly records: readonly { readonly text: string; readonly tiny_ids: readonly number[] }[]
}

/** The ids and the mask of every prompt, padded with the id 0 as OWLv2's processor does. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { records } = golden.json as unknown as TokensCase
  const config = golden.json.config as unknown as Config
  const tokenizer = await loadTokenizer(await folderSource(golden.folder), { className: 'CLIPTokenizer' })
  const mismatches: string[] = []
  if (tokenizer.bosId !== config.bos || tokenizer.eosId !== config.eos)
    mismatches.push(
      `start and end ${tokenizer.bosId}, ${tokenizer.eosId}; expected ${config.bos}, ${config.eos}`,
    )
  const tensors = new Map<string, HostTensor>()
  for (const [i, { text, tiny_ids }] of records.entries()) {
    const query = queryTokens(tokenizer, text, config.model_max_length, 0)
    if (query.ids.join() !== tiny_ids.join()) mismatches.push(`'${text}': ${query.ids}, expected ${tiny_ids}`)
    const { ids, mask } = queryBatch([query])
    tensors.set(`ids${i}`, { ...ids, shape: ids.shape.slice(1) })
    tensors.set(`mask${i}`, { ...mask, shape: mask.shape.slice(1) })
  }
  return { tensors, mismatches, checked: tensors.size + records.length + 1 }
}
