import { type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import type { SampleMessage } from '../../../src/text/labels.ts'
import { labelTurns, trainingTurns } from '../../../src/text/turn-labels.ts'
import { turnTemplate } from '../../../src/text/turn-templates.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { sentencePieceTokenizer } from '../sentencepiece.ts'

interface Conversation {
  readonly conversation: readonly (readonly [from: string, value: string])[]
  readonly turns: readonly {
    readonly input: string
    readonly output: string
    readonly need_eos: boolean
    readonly sep: string
  }[]
}

/** Turns as strings, and ids and labels of every conversation with either kind of tokenizer. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const records = golden.json.inputs.records as unknown as Readonly<Record<string, Conversation>>
  const { max_length: maxLength } = golden.json.config as { max_length: number }
  const tensors = new Map<string, HostTensor>()
  const mismatches: string[] = []
  // The records are written down for one kind of tokenizer; ids are for both.
  const conversations = new Map(
    Object.entries(records).map(([name, record]) => [name.slice(name.indexOf('.') + 1), record]),
  )
  for (const kind of ['legacy', 'nolegacy']) {
    const tokenizer = await sentencePieceTokenizer(golden, kind === 'legacy')
    for (const [name, { conversation, turns }] of conversations) {
      const template = turnTemplate(name.split('.')[0]!)
      const messages = conversation.map(([from, value]): SampleMessage => ({ from, value }))
      const { needsEos: need_eos, separator: sep } = template
      const written = trainingTurns(template, messages).map((turn) => ({ ...turn, need_eos, sep }))
      if (JSON.stringify(written) !== JSON.stringify(turns))
        mismatches.push(`${name}: turns ${JSON.stringify(written)}, expected ${JSON.stringify(turns)}`)
      const { inputIds, labels } = labelTurns(template, messages, tokenizer, maxLength)
      tensors.set(`${kind}.${name}.ids`, i64([inputIds.length], inputIds))
      tensors.set(`${kind}.${name}.labels`, i64([labels.length], labels))
    }
  }
  return { tensors, mismatches, checked: tensors.size + conversations.size }
}
