/** The public names of the synthetic pictures. They need Node and a canvas library, so they stand behind their own entry. */
export { blindScore, type FormAnswer } from './data/synthetic/blind.ts'
export { type SynthesisOptions, type SyntheticRecord, writeSynthetic } from './data/synthetic/dataset.ts'
export type { FontSet } from './data/synthetic/faces.ts'
export { type Kind, kindNames } from './data/synthetic/kinds.ts'
export type { Box } from './data/synthetic/page.ts'
export {
  type SampleOptions,
  type SyntheticQuestion,
  type SyntheticSample,
  syntheticSample,
} from './data/synthetic/sample.ts'
