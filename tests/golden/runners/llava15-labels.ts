import { type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { encodeWithImages } from '../../../src/text/image-ids.ts'
import type { SampleMessage } from '../../../src/text/labels.ts'
import { labelCaption, labelLlava } from '../../../src/text/llava-labels.ts'
import { conversationTemplate, renderConversation } from '../../../src/text/templates.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { sentencePieceTokenizer } from '../sentencepiece.ts'

interface Inputs {
  readonly records: Readonly<
    Record<string, { readonly conversation: readonly (readonly [from: string, value: string])[] }>
  >
  readonly prompt_text: string
  readonly plain_texts: readonly string[]
}

/** Templates as strings; ids and labels of every record with either kind of tokenizer. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const inputs = golden.json.inputs as unknown as Inputs
  const tensors = new Map<string, HostTensor>()
  const give = (name: string, ids: readonly number[]): void => {
    tensors.set(name, i64([ids.length], ids))
  }
  for (const kind of ['legacy', 'nolegacy']) {
    const tokenizer = await sentencePieceTokenizer(golden, kind === 'legacy')
    give(`${kind}.prompt_ids`, encodeWithImages(inputs.prompt_text, tokenizer))
    for (const [i, text] of inputs.plain_texts.entries()) give(`${kind}.plain${i}`, tokenizer.encode(text))
    for (const [name, { conversation }] of Object.entries(inputs.records)) {
      const [wanted, version] = name.split('.')
      if (wanted !== kind) continue
      const messages = conversation.map(([from, value]): SampleMessage => ({ from, value }))
      const sample =
        version === 'plain'
          ? labelCaption(messages, tokenizer)
          : labelLlava(conversationTemplate('vicuna_v1'), messages, tokenizer, 2048)
      give(`${name}.ids`, sample.inputIds)
      give(`${name}.labels`, sample.labels)
    }
  }
  const templates = golden.json.expected.templates as unknown as Readonly<Record<string, string>>
  const mismatches = Object.entries(templates).flatMap(([name, wanted]) => {
    const history = [['<image>\nQ1', 'A1']] as const
    const found = renderConversation(conversationTemplate(name), { history, question: 'Q2' })
    return found === wanted
      ? []
      : [`template ${name}: ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`]
  })
  return { tensors, mismatches, checked: tensors.size + Object.keys(templates).length }
}
