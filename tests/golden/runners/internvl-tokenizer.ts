import { readFile } from 'node:fs/promises'
import { folderSource } from '../../../src/checkpoint/folder.ts'
import { loadTokenizer } from '../../../src/text/load-tokenizer.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface Table {
  readonly class: string
  readonly length: number
  readonly base_vocab: number
  readonly bos_id: number | null
  readonly eos_id: number | null
  readonly pad_id: number | null
  readonly special_ids: Readonly<Record<string, number>>
  readonly rows: readonly {
    readonly text: string
    readonly ids: readonly number[]
    readonly decode: string
    readonly decode_skip_special: string
  }[]
}

/** `table.json`: what every tokenizer of the folder gives for every text. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const tables = JSON.parse(await readFile(golden.file('table.json'), 'utf8')) as Record<string, Table>
  const mismatches: string[] = []
  let checked = 0
  for (const [name, table] of Object.entries(tables)) {
    const check = (what: string, actual: unknown, expected: unknown) => {
      checked++
      const [found, wanted] = [JSON.stringify(actual ?? null), JSON.stringify(expected)]
      if (found !== wanted) mismatches.push(`${name}: ${what}: ${found}, expected ${wanted}`)
    }
    const tokenizer = await loadTokenizer(await folderSource(golden.file(name)))
    check('class', tokenizer.className, table.class)
    check('length', tokenizer.size, table.length)
    check('base_vocab', tokenizer.baseSize, table.base_vocab)
    check('bos_id', tokenizer.bosId, table.bos_id)
    check('eos_id', tokenizer.eosId, table.eos_id)
    check('pad_id', tokenizer.padId, table.pad_id)
    for (const [token, id] of Object.entries(table.special_ids))
      check(`id of ${token}`, tokenizer.idOf(token), id)
    for (const row of table.rows) {
      const text = JSON.stringify(row.text)
      check(`encode ${text}`, tokenizer.encode(row.text), row.ids)
      check(`decode ${text}`, tokenizer.decode(row.ids), row.decode)
      const skipped = tokenizer.decode(row.ids, { skipSpecial: true })
      check(`decode without special tokens ${text}`, skipped, row.decode_skip_special)
    }
  }
  return { mismatches, checked }
}
