import type { FileSource } from '../checkpoint/files.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { loadFastTokenizer } from './fast-tokenizer.ts'
import { SlowTokenizer } from './slow-tokenizer.ts'
import type { Tokenizer } from './tokenizer.ts'
import { slowClasses } from './tokenizer-classes.ts'
import { readTokenizerConfig } from './tokenizer-config.ts'

export interface LoadTokenizerOptions {
  /** The official class, where `tokenizer_config.json` names none or a wrong one. */
  readonly className?: string
  /** Which kind to take where the files allow both. */
  readonly prefer?: 'slow' | 'fast'
}

/**
 * The tokenizer of a checkpoint's folder. Which files are read:
 * - The class is `options.className`, else the configuration's `tokenizer_class`, else the one whose files
 *   are there: `tokenizer.model` a LlamaTokenizer, `vocab.json` with `merges.txt` a GPT2Tokenizer.
 * - A slow class that we reproduce is read from its own files, even beside a `tokenizer.json`: the official
 *   InternVL code loads `use_fast=False`, and the two kinds differ in spaces and dummy prefixes.
 * - `tokenizer.json` is read for classes whose name ends in Fast, for slow classes that we do not reproduce,
 *   where the slow class's files are missing, and on `prefer: 'fast'`; `prefer: 'slow'` reads
 *   FooTokenizerFast as FooTokenizer.
 * @throws CheckpointError `tokenizer-missing` when no set of files is complete, `tokenizer-class` when only
 *   the files of an unknown class are there, and what the readers of the files throw.
 */
export async function loadTokenizer(
  source: FileSource,
  options: LoadTokenizerOptions = {},
): Promise<Tokenizer> {
  const config = await readTokenizerConfig(source)
  const present = new Set(await source.list())
  const hasFast = present.has('tokenizer.json')
  const declared = options.className ?? config.json.tokenizer_class
  const guessed = present.has('tokenizer.model') ? 'LlamaTokenizer' : 'GPT2Tokenizer'
  const name = typeof declared === 'string' ? declared : hasFast ? 'PreTrainedTokenizerFast' : guessed
  const wantsFast = options.prefer === 'fast' || (options.prefer !== 'slow' && name.endsWith('Fast'))
  if (hasFast && wantsFast) return loadFastTokenizer(source, config)

  const slowName = name.replace(/Fast$/, '')
  const slow = Object.hasOwn(slowClasses, slowName) ? slowClasses[slowName] : undefined
  if (slow?.files.every((file) => present.has(file)))
    return new SlowTokenizer(await slow.load(source, config), config)
  if (hasFast) return loadFastTokenizer(source, config)

  const known = Object.keys(slowClasses)
  const data = { source: source.name, className: name, known }
  if (!slow)
    throw new CheckpointError(
      'tokenizer-class',
      `${source.name} declares the tokenizer class "${name}" and has no tokenizer.json. Without one, ` +
        `the classes that are read are ${known.join(', ')}; pass { className } if one of them fits.`,
      data,
    )
  const missing = slow.files.filter((file) => !present.has(file))
  throw new CheckpointError(
    'tokenizer-missing',
    `${source.name} lacks ${missing.join(' and ')}, from which a ${slowName} is read, ` +
      'and has no tokenizer.json either. Download the tokenizer files of the checkpoint.',
    { ...data, missing },
  )
}
