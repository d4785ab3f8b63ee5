import { chooseEngine } from '../runtime/default-engine.ts'
import type { Precisions } from '../runtime/precision.ts'
import type { CompileOptions } from '../runtime/program.ts'
import { node } from './load-node.ts'

/** How the programs of a tower are compiled, as far as the caller says. */
export type CompileChoices = {
  readonly [K in Exclude<keyof CompileOptions, 'precision' | 'part'>]?: CompileOptions[K] | undefined
} & {
  /** `fp32` (the default) as the official implementations compute; `int8`, faster. */
  readonly precision?: Precisions['vision'] | undefined
}

/** The choices; what is left open is the CPU in float32, and the engine that `chooseEngine` takes for the device. */
export async function compileInNode(choices: CompileChoices): Promise<CompileOptions> {
  const { precision = 'fp32', ...others } = choices
  // An option that is there and undefined would hide the default.
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined))
  const device = choices.device ?? node.device
  const engine = choices.engine ?? (await chooseEngine(undefined, device))
  return {
    quantised: node.quantised,
    ...(given as Partial<CompileOptions>),
    ...{ engine, device, precision: { vision: precision, decoder: precision } },
  }
}
