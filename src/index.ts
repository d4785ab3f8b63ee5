/** The public names that need no file system: everything that runs in a browser too. */
export type { Checkpoint, WeightEntry } from './checkpoint/checkpoint.ts'
export { fileListSource } from './checkpoint/file-list.ts'
export type { FileSource } from './checkpoint/files.ts'
export { type HttpSourceOptions, httpSource } from './checkpoint/http.ts'
export { memorySource } from './checkpoint/memory.ts'
export { openCheckpoint } from './checkpoint/open.ts'
export { findNonFinite, type NonFiniteWeight } from './checkpoint/scan.ts'
export type { DetectOptions, SimilarOptions } from './detectors/detect-options.ts'
export {
  type Detection,
  Detector,
  type DetectorFiles,
  type DetectResult,
  type OpenDetectorOptions,
  openDetector,
} from './detectors/detector.ts'
export {
  type DescribedTags,
  describeTags,
  type OpenTag,
  parseDescriptions,
} from './detectors/open-tags.ts'
export type { Tag } from './detectors/tag-list.ts'
export {
  type OpenTaggerOptions,
  openTagger,
  Tagger,
  type TaggerFiles,
  type TagOptions,
  type TagResult,
  type TagScore,
} from './detectors/tagger.ts'
export type { GeneratedRow, StopReason } from './generate/generate.ts'
export type { GenerationOptions } from './generate/options.ts'
export type { Box, LabelledBox } from './image/boxes.ts'
export { type BrowserDecodeOptions, decodeImageInBrowser } from './image/decode-browser.ts'
export { type RgbImage, rgbImage } from './image/rgb-image.ts'
export { type Answer, AnswerStream, type TokenCounts } from './model/answer.ts'
export { Chat } from './model/chat.ts'
export { type LoadOptions, loadModel, type Platform } from './model/load.ts'
export {
  type BrowserLoadOptions,
  type BrowserModel,
  type BrowserPicture,
  load,
} from './model/load-browser.ts'
export { type AskOptions, Model } from './model/model.ts'
export type { DecodePicture, PictureInput } from './model/pictures.ts'
export type { Device, Engine } from './runtime/engine.ts'
export { type WebEngineOptions, webEngine } from './runtime/web-engine.ts'
export { systemNames } from './systems/registry.ts'
export type {
  CompressionOptions,
  OnEvent,
  Picture,
  PictureReport,
  RunEvent,
  System,
  VisualLayout,
  VisualSpan,
} from './systems/system.ts'
export {
  AbortError,
  CheckpointError,
  EngineError,
  GraphError,
  InputError,
  PanoptesError,
} from './tensor/errors.ts'
export type { Turn } from './text/templates.ts'
export { type MsacPresetName, msacPresets } from './tiling/msac-presets.ts'
export type { Tile, TileGroup, TilePlan } from './tiling/plan.ts'
export { planTiles, type TilingOptions, type TilingStrategy, tilingStrategies } from './tiling/tiling.ts'
