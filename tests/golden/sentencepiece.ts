import { readFile } from 'node:fs/promises'
import { memorySource } from '../../src/checkpoint/memory.ts'
import { loadTokenizer } from '../../src/text/load-tokenizer.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import type { GoldenCase } from './case.ts'

/** The folder's SentencePiece model with the configuration that the LLaVA cases describe. */
export async function sentencePieceTokenizer(golden: GoldenCase, legacy: boolean): Promise<Tokenizer> {
  const config = { tokenizer_class: 'LlamaTokenizer', legacy, pad_token: '<unk>' }
  const files = new Map([
    ['tokenizer.model', new Uint8Array(await readFile(golden.file('tokenizer.model')))],
    ['tokenizer_config.json', new TextEncoder().encode(JSON.stringify(config))],
  ])
  return loadTokenizer(memorySource(golden.kind, files))
}
