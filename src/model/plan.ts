import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { readJsonFile } from '../checkpoint/config.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { findModel } from '../hub/find.ts'
import { idleEngine } from '../runtime/idle-engine.ts'
import type { Precision } from '../runtime/precision.ts'
import { openSystem } from '../systems/registry.ts'
import type {
  CompressionOptions,
  Conversation,
  PictureReport,
  PreparedConversation,
  PromptWork,
  System,
} from '../systems/system.ts'
import { InputError } from '../tensor/errors.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { type Budget, fitBudget, type Look } from './budget.ts'
import { type CalibrationOptions, machineSpeeds } from './calibration-file.ts'
import { findBeside } from './find-beside.ts'
import { type Forecast, forecasts } from './forecast.ts'
import type { SpeedsByPrecision } from './speeds.ts'

/** What a question would take before anything of it is computed. */
export interface QuestionPlan {
  readonly system: string
  readonly tiling: TilingOptions
  readonly compression: CompressionOptions | undefined
  readonly pictures: readonly PictureReport[]
  readonly tokens: { readonly prompt: number; readonly visual: number; readonly decoder: number }
  readonly forecasts: readonly Forecast[]
}

/** A model of which everything is known but its weights' values. */
export class Planner {
  readonly system: System
  readonly #checkpoint: Checkpoint
  readonly #calibration: CalibrationOptions
  #speeds: Promise<SpeedsByPrecision> | undefined

  private constructor(system: System, checkpoint: Checkpoint, calibration: CalibrationOptions) {
    this.system = system
    this.#checkpoint = checkpoint
    this.#calibration = calibration
  }

  /**
   * Opens a model for planning; no weight is read.
   * @param as the system to open the checkpoint as, where its config.json names another
   * @throws CheckpointError, InputError
   */
  static async open(model: string, as?: string, calibration: CalibrationOptions = {}): Promise<Planner> {
    const { folder } = await findModel(model)
    const source = await folderSource(folder)
    const config = await readJsonFile(source, 'config.json')
    const checkpoint = await openCheckpoint(source)
    const files = { source, checkpoint, config, findModel: (id: string) => findBeside(id, folder) }
    const system = await openSystem(files, { compile: { engine: idleEngine, device: 'cpu' } }, as)
    return new Planner(system, checkpoint, calibration)
  }

  /**
   * The finest look at the pictures that fits a budget; seconds are counted for `precision`.
   * @throws InputError `budget-too-small`, `plan-unknown`, and what `prepare` throws
   */
  async fit(conversation: Conversation, budget: Budget, precision: Precision): Promise<Look> {
    if (budget.kind === 'tokens')
      return fitBudget(this.system, conversation, budget, (prepared) => this.#work(prepared).decoderTokens)
    const speeds = await this.#machine()
    return fitBudget(this.system, conversation, budget, (prepared) => {
      const forecast = this.#forecasts(prepared, speeds).find((one) => one.precision === precision)!
      return forecast.seconds.firstToken
    })
  }

  /**
   * How a question's pictures are cut, its tokens, and the seconds and memory of every phase in each precision. The
   * machine is measured at the first call and remembered.
   * @throws InputError `plan-unknown`, and what `prepare` throws
   */
  async plan(conversation: Conversation): Promise<QuestionPlan> {
    const prepared = this.system.prepare(conversation)
    return {
      system: this.system.name,
      tiling: conversation.tiling ?? this.system.tiling,
      compression: conversation.compression,
      pictures: prepared.pictures,
      tokens: {
        prompt: prepared.layout.promptLength,
        visual: prepared.pictures.reduce((sum, picture) => sum + picture.visualTokens, 0),
        decoder: this.#work(prepared).decoderTokens,
      },
      forecasts: this.#forecasts(prepared, await this.#machine()),
    }
  }

  #forecasts(prepared: PreparedConversation, speeds: SpeedsByPrecision): Forecast[] {
    return forecasts(this.#work(prepared), this.#checkpoint, speeds)
  }

  #work(prepared: PreparedConversation): PromptWork {
    const work = this.system.work?.(prepared)
    if (work) return work
    const { name } = this.system
    throw new InputError(
      'plan-unknown',
      `${name} does not tell what it computes, so nothing can be forecast.`,
    )
  }

  #machine(): Promise<SpeedsByPrecision> {
    this.#speeds ??= machineSpeeds(this.#calibration)
    return this.#speeds
  }
}
