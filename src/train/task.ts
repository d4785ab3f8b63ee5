import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { systemOfKeys } from '../systems/registry.ts'
import { InputError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { type LabelKind, teachesCells } from './cells/labels.ts'
import { openInternVlTask } from './internvl-task.ts'
import { openLlavaTask } from './llava-task.ts'
import { openMgLlavaTask } from './mgllava-task.ts'
import type { RecipeSample } from './sample-source.ts'
import type { Tilings } from './tilings.ts'

/** How samples are made of records. */
export interface SampleOptions {
  /** The model's own way by default. */
  readonly tiling?: Tilings | undefined
  readonly maxLength: number
  /** `conversation` by default. */
  readonly labels?: LabelKind | undefined
  /** What the decoder sees: what the encoder makes of pictures (default), or codes of their letters (`cellsTask`). */
  readonly pictures?: 'cells' | undefined
}

/** A sample whose length is known, so that its batch can be chosen. */
export interface SampleDraft<S = unknown> {
  /** Of its sequence, without padding. */
  readonly tokens: number
  /** Makes the sample: its pixels become floats here, so that drafts stay small. */
  finish(): S | Promise<S>
}

/** What training needs of a system: its loss, and how samples become the loss's inputs. */
export interface TrainingTask<S = unknown> {
  /** The model's weights, with those of parts that are published apart. */
  readonly checkpoint: Checkpoint
  /** The scalar loss, traced from the weights. */
  loss(w: Weights): Tensor
  /** @throws InputError for a sample that does not fit */
  draft(sample: RecipeSample): SampleDraft<S>
  /** The loss's inputs for a batch. */
  feeds(samples: readonly S[]): Record<string, HostTensor>
}

type OpenTask = (files: ModelFiles, options: SampleOptions) => Promise<TrainingTask>

/** The systems that can be trained, by the name that their configuration gives. */
const tasks: Readonly<Record<string, OpenTask>> = {
  InternVLChatModel: openInternVlTask,
  MiniMonkeyChatModel: openInternVlTask,
  LlavaLlamaForCausalLM: openLlavaTask,
  LlavaMistralForCausalLM: openLlavaTask,
  MultiFuseObjectLLaVAModel: openMgLlavaTask,
}

/** @throws InputError `training-unknown`, which lists the systems that can be trained */
export function openTask(files: ModelFiles, options: SampleOptions): Promise<TrainingTask> {
  const { architectures } = files.config as { architectures?: readonly string[] }
  const isMgLlava = !architectures && systemOfKeys(files.checkpoint) === 'mg-llava'
  const open = isMgLlava ? openMgLlavaTask : tasks[architectures?.[0] ?? '']
  if (open && open !== openInternVlTask) refuseCells(options)
  if (open) return open(files, options)
  throw new InputError(
    'training-unknown',
    `${files.source.name} is a ${architectures?.[0]}, which has no training recipe yet. ` +
      `There is one for ${Object.keys(tasks).join(', ')}.`,
    { found: architectures?.[0], known: Object.keys(tasks) },
  )
}

/** @throws InputError `option-without-effect` for what only InternVL's tasks know how to do */
function refuseCells({ labels, pictures }: SampleOptions): void {
  if (!teachesCells(labels) && pictures === undefined) return
  const option = teachesCells(labels) ? 'labels' : 'pictures'
  throw new InputError(
    'option-without-effect',
    `What visual tokens show is learned by InternVL2 and Mini-Monkey only. Leave ${option} out.`,
    { option },
  )
}
