import { readFile } from 'node:fs/promises'
import { folderSource } from '../../../src/checkpoint/folder.ts'
import { labelConversation, type SampleMessage } from '../../../src/text/labels.ts'
import { loadTokenizer } from '../../../src/text/load-tokenizer.ts'
import { chatPrompt } from '../../../src/text/picture-tokens.ts'
import { conversationTemplate, renderConversation, stopText, type Turn } from '../../../src/text/templates.ts'
import type { Tokenizer } from '../../../src/text/tokenizer.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface Prompts {
  readonly templates: readonly {
    readonly template: string
    readonly history: readonly Turn[]
    readonly question: string
    readonly prompt: string
    readonly sep: string
    readonly stop_text: string
  }[]
  readonly chat: readonly {
    readonly template: string
    readonly num_image_token: number
    readonly question: string
    readonly num_patches_list: readonly number[]
    readonly history: readonly Turn[] | null
    readonly system_message: string | null
    readonly query: string
  }[]
}

interface Labels {
  readonly conversations: Readonly<
    Record<
      string,
      {
        readonly turns: readonly SampleMessage[]
        readonly image_tokens: readonly number[]
        readonly num_image: number
        readonly text_only: boolean
      }
    >
  >
  readonly rows: readonly {
    readonly tokenizer: string
    readonly template: string
    readonly conversation: string
    readonly max_length: number
    readonly pad_to_max: boolean
    readonly input_ids: readonly number[]
    readonly labels: readonly number[]
    readonly attention_mask_sum: number
    readonly warned_mismatch: boolean
  }[]
}

/**
 * `prompts.json`: templates and the string that chat() tokenises; `labels.json`: what a training sample
 * learns.
 */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const mismatches: string[] = []
  let checked = 0
  const check = (what: string, actual: unknown, expected: unknown) => {
    checked++
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (found !== wanted) mismatches.push(`${what}: ${found}, expected ${wanted}`)
  }
  const prompts = JSON.parse(await readFile(golden.file('prompts.json'), 'utf8')) as Prompts
  for (const [
    i,
    { template: name, history, question, prompt, sep, stop_text },
  ] of prompts.templates.entries()) {
    const template = conversationTemplate(name)
    check(`templates[${i}] ${name}: prompt`, renderConversation(template, { history, question }), prompt)
    check(`templates[${i}] ${name}: separator`, template.separator, sep)
    check(`templates[${i}] ${name}: stop text`, stopText(template), stop_text)
  }
  for (const [i, row] of prompts.chat.entries()) {
    const counts = row.num_patches_list.map((tiles) => tiles * row.num_image_token)
    const input = {
      question: row.question,
      ...(row.history ? { history: row.history } : {}),
      ...(row.system_message === null ? {} : { system: row.system_message }),
    }
    const query = chatPrompt(conversationTemplate(row.template), input, counts, { mismatch: 'keep' })
    check(`chat[${i}] ${row.template}: query`, query, row.query)
  }

  const labels = JSON.parse(await readFile(golden.file('labels.json'), 'utf8')) as Labels
  const tokenizers = new Map<string, Tokenizer>()
  for (const row of labels.rows) {
    const tokenizer =
      tokenizers.get(row.tokenizer) ?? (await loadTokenizer(await folderSource(golden.file(row.tokenizer))))
    tokenizers.set(row.tokenizer, tokenizer)
    const { turns, image_tokens, num_image, text_only } = labels.conversations[row.conversation]!
    const sample = labelConversation(conversationTemplate(row.template), turns, tokenizer, {
      pictureTokens: text_only ? [] : image_tokens.slice(0, num_image),
      maxLength: row.max_length,
      padToMax: row.pad_to_max,
    })
    const where = `labels ${row.tokenizer} ${row.template} ${row.conversation} ${row.max_length}`
    check(`${where}: input_ids`, sample.inputIds, row.input_ids)
    check(`${where}: labels`, sample.labels, row.labels)
    const sum = sample.attentionMask.reduce((a, b) => a + b, 0)
    check(`${where}: attention mask`, sum, row.attention_mask_sum)
    check(`${where}: mismatch`, sample.mismatch !== undefined, row.warned_mismatch)
  }
  return { mismatches, checked }
}
