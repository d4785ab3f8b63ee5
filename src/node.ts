/** The public names in Node: those of the browser, and what needs a file system. */
export { folderSource } from './checkpoint/folder.ts'
export { findModel } from './hub/find.ts'
export { listModels } from './hub/models.ts'
export { type PullEvent, type PulledModel, type PullOptions, pullModel } from './hub/pull.ts'
export { drawBoxes } from './image/box-overlay.ts'
export { decodeImage } from './image/decode.ts'
export { encodePng } from './image/encode.ts'
export * from './index.ts'
export { type Budget, type Look, parseBudget } from './model/budget.ts'
export type { Forecast } from './model/forecast.ts'
export { type LoadDetectorOptions, loadDetector, type NodeDetector } from './model/load-detector.ts'
export { type EncodedPicture, load, type NodeLoadOptions, type NodeModel } from './model/load-node.ts'
export {
  type LoadTaggerOptions,
  loadTagger,
  type NodeTagger,
  type OpenTagChoice,
} from './model/load-tagger.ts'
export { Planner, type QuestionPlan } from './model/plan.ts'
export { chooseEngine, engineNames } from './runtime/default-engine.ts'
export { drawTiling } from './tiling/draw.ts'
export { parseRecipe, type Recipe } from './train/recipe.ts'
export { type StepLog, type TrainOptions, type TrainResult, train } from './train/trainer.ts'
