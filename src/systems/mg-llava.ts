import { requireKeys } from '../checkpoint/check.ts'
import { DecoderPrograms } from '../decoders/programs.ts'
import { Weights } from '../graph/weights.ts'
import { addWork } from '../graph/work.ts'
import { Program } from '../runtime/program.ts'
import { AbortError } from '../tensor/errors.ts'
import { joinFloats } from '../tensor/join-floats.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import { IMAGE_ID } from '../text/image-ids.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { conversationOfTurns } from '../text/turn-templates.ts'
import { compileParts } from './compile-parts.ts'
import { type MgLlavaParts, mgLlavaShapes } from './mgllava-config.ts'
import { type AssembledMgLlava, assembleMgLlava, languageTemplate } from './mgllava-parts.ts'
import {
  type MgLlavaPrepared,
  type MgLlavaSight,
  type MgLlavaView,
  prepareMgLlava,
} from './mgllava-prepare.ts'
import { mgLlavaFeeds, mgLlavaInputs, mgLlavaVision } from './mgllava-vision.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import type { PromptReaderParts } from './prompt-reader.ts'
import type { RunOptions, System } from './system.ts'
import { VisualChat } from './visual-chat.ts'
import { VisualTokenCache } from './visual-token-cache.ts'

/**
 * MG-LLaVA: CLIP's tokens of the whole picture, fused with ConvNeXt's features of a larger copy, then a token for each
 * object that a detector found → in place of `<image>` → any Llama-like decoder.
 * Source: MG-LLaVA (arXiv 2406.17770); golden cases `mgllava-*`.
 * @throws CheckpointError, EngineError
 */
export async function openMgLlava(files: ModelFiles, options: OpenOptions): Promise<System> {
  const model = await assembleMgLlava(files)
  const tokenizer = await loadTokenizer(model.tokenizerSource)
  const turns = languageTemplate(model)
  const eos = tokenizer.eosId === undefined ? '' : (tokenizer.tokenOf(tokenizer.eosId) ?? '')
  const template = conversationOfTurns(turns, eos)
  const { sight, reader, vision } = await compileMgLlava(model, options)
  const stopIds = [tokenizer.eosId, ...turns.stopWords.map((word) => tokenizer.idOf(word))]
  return new VisualChat({
    ...reader,
    name: 'mg-llava',
    usesBoxes: true,
    tokenizer,
    stopIds: [...new Set(stopIds.filter((id) => id !== undefined))],
    stopTexts: turns.stopWords.length > 0 ? turns.stopWords : [eos],
    tiling: {
      strategy: 'square',
      tileSize: sight.highSide,
      fit: model.config.pad_image_to_square ? 'pad' : 'crop',
    },
    encodeWork: ({ views }) =>
      addWork(...views.map((view) => [vision.work({ N: 1, n: view.objects.boxes.length }), 1] as const)),
    prepare: (conversation) => prepareMgLlava({ sight, template, tokenizer }, conversation),
  })
}

/** The model without its tokenizer: what turns prepared conversations into logits. */
export async function compileMgLlava(
  model: Omit<AssembledMgLlava, 'tokenizerSource'>,
  { compile, onEvent, visualCache }: OpenOptions,
): Promise<{ sight: MgLlavaSight; reader: PromptReaderParts<MgLlavaPrepared>; vision: Program }> {
  const { config, tower, decoder, checkpoint } = model
  requireKeys(new Map(Object.entries(mgLlavaShapes(model))), checkpoint)
  const weights = new Weights(checkpoint)
  onEvent?.({ phase: 'loading', done: 0, total: 4, message: 'vision towers' })
  const [vision, programs] = await compileParts(
    compile,
    () => Program.compile('vision', mgLlavaVision(weights, mgLlavaInputs(model), model), compile),
    () =>
      DecoderPrograms.compile(decoder, weights.at('llm'), {
        compile,
        onProgram: (done, total) =>
          onEvent?.({ phase: 'loading', done: done + 1, total: total + 1, message: 'language model' }),
      }),
  )
  const sight: MgLlavaSight = {
    config,
    highSide: config.image_size_aux,
    lowSide: tower.image_size,
    tokensPerPicture: Math.floor(tower.image_size / tower.patch_size) ** 2,
  }
  const encode = encodeViews(vision, model, new VisualTokenCache(visualCache))
  return {
    sight,
    vision,
    reader: { programs, encoders: [vision], placeholderId: IMAGE_ID, padId: 0, encode },
  }
}

/** Every view's visual tokens and, behind them, its object tokens: [Σ(T + n), H]. */
function encodeViews(vision: Program, parts: MgLlavaParts, visualTokens: VisualTokenCache) {
  return async (
    { views, tileKeys }: MgLlavaPrepared,
    { signal, onEvent }: RunOptions,
  ): Promise<HostTensor<'f32'>> => {
    const keys = await tileKeys?.()
    const seen: HostTensor<'f32'>[] = []
    for (const [i, view] of views.entries()) {
      if (signal?.aborted) throw new AbortError('aborted', 'The run was stopped.', { tilesDone: i })
      const encode = (): Promise<HostTensor<'f32'>> => {
        onEvent?.({ phase: 'encoding', done: i, total: views.length })
        return encodeView(vision, view, parts)
      }
      seen.push(await (keys ? visualTokens.get(keys[i]!, encode) : encode()))
      await ownTurn()
    }
    return joinRows(seen)
  }
}

async function encodeView(
  vision: Program,
  { pixels, objects }: MgLlavaView,
  parts: MgLlavaParts,
): Promise<HostTensor<'f32'>> {
  const outputs = await vision.run(mgLlavaFeeds(pixels(), [objects], parts), ['tokens', 'objects'])
  return joinRows([outputs.tokens, outputs.objects] as HostTensor<'f32'>[])
}

/** [..., H] each → [rows, H]. */
function joinRows(parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const width = parts[0]!.shape.at(-1)!
  const data = joinFloats(parts.map((part) => part.data))
  return hostTensor('f32', [data.length / width, width], data)
}
