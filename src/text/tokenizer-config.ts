import type { FileSource } from '../checkpoint/files.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { AddedToken } from './tokenizer.ts'

/** The attributes that name special tokens, in the order in which missing ones get ids. */
export const SPECIAL_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const
export type SpecialName = (typeof SPECIAL_NAMES)[number]

type Json = Readonly<Record<string, unknown>>

/** A special token by its string; with flags where a file gives them. */
export interface NamedToken extends Partial<Omit<AddedToken, 'id' | 'content'>> {
  readonly content: string
}

/** What a checkpoint's small JSON files say about its tokenizer. */
export interface TokenizerConfig {
  /** `tokenizer_config.json` as it is; empty without the file. */
  readonly json: Json
  readonly added: ReadonlyMap<number, AddedToken>
  /** Absent: the class's default holds. Null: the file says that there is none. */
  readonly named: Readonly<Partial<Record<SpecialName, NamedToken | null>>>
  readonly additional: readonly NamedToken[]
}

/**
 * Reads `tokenizer_config.json`, and where it has no `added_tokens_decoder`, `special_tokens_map.json` and
 * `added_tokens.json`, by the rules of transformers 4.45 `PreTrainedTokenizerBase._from_pretrained`.
 * @throws CheckpointError `tokenizer-config` when a file is no JSON object or an entry is malformed.
 */
export async function readTokenizerConfig(source: FileSource): Promise<TokenizerConfig> {
  const json = (await readJson(source, 'tokenizer_config.json')) ?? {}
  const added = new Map<number, AddedToken>()
  let special: Json = json
  const decoder = json.added_tokens_decoder
  if (isObject(decoder)) {
    for (const [id, entry] of Object.entries(decoder)) {
      const token = namedToken(entry)
      if (!token || !/^\d+$/.test(id))
        throw malformed(source, 'tokenizer_config.json', `added_tokens_decoder.${id}`)
      added.set(Number(id), withFlags(Number(id), token))
    }
  } else {
    const map = (await readJson(source, 'special_tokens_map.json')) ?? {}
    const both = [...asList(json.additional_special_tokens), ...asList(map.additional_special_tokens)]
    special = { ...json, ...map, additional_special_tokens: both }
    const names = new Set(
      [...SPECIAL_NAMES.map((name) => special[name]), ...both].map((t) => namedToken(t)?.content),
    )
    for (const [content, id] of Object.entries((await readJson(source, 'added_tokens.json')) ?? {})) {
      if (typeof id !== 'number') throw malformed(source, 'added_tokens.json', content)
      const isSpecial = names.has(content)
      added.set(id, withFlags(id, { content, special: isSpecial, normalized: !isSpecial }))
    }
  }
  const named: Partial<Record<SpecialName, NamedToken | null>> = {}
  for (const name of SPECIAL_NAMES)
    if (special[name] !== undefined) named[name] = namedToken(special[name]) ?? null
  const additional = asList(special.additional_special_tokens).flatMap((entry) => namedToken(entry) ?? [])
  const distinct = additional.filter(
    (token, i) => additional.findIndex((t) => t.content === token.content) === i,
  )
  return { json, added, named, additional: distinct }
}

/**
 * A JSON object of the source, or undefined when it has no such file. @throws CheckpointError
 * `tokenizer-config`
 */
export async function readJson(source: FileSource, path: string): Promise<Json | undefined> {
  if (!(await source.has(path))) return undefined
  const text = new TextDecoder().decode(await source.read(path))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CheckpointError(
      'tokenizer-config',
      `${source.name}/${path} (${text.length} characters) is not JSON. Download it again.`,
      { source: source.name, path },
      cause,
    )
  }
  if (!isObject(value)) throw malformed(source, path, 'the whole file')
  return value
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** A token given by its string or as an object with flags; undefined for anything else. */
function namedToken(value: unknown): NamedToken | undefined {
  if (typeof value === 'string') return value === '' ? undefined : { content: value }
  if (!isObject(value) || typeof value.content !== 'string' || value.content === '') return undefined
  return {
    content: value.content,
    lstrip: value.lstrip === true,
    rstrip: value.rstrip === true,
    singleWord: value.single_word === true,
    normalized: value.normalized === true,
    special: value.special === true,
  }
}

/** The added token of an id, with the flags that are not given false. */
export function withFlags(id: number, token: NamedToken): AddedToken {
  return { id, lstrip: false, rstrip: false, singleWord: false, normalized: false, special: false, ...token }
}

function malformed(source: FileSource, path: string, entry: string): CheckpointError {
  return new CheckpointError(
    'tokenizer-config',
    `${source.name}/${path}: ${entry} has not the form that a tokenizer file has. ` +
      'Compare it with the file of the published checkpoint.',
    { source: source.name, path, entry },
  )
}
