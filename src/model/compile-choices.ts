import { chooseEngine } from '../runtime/default-engine.ts'
import type { CompileOptions } from '../runtime/program.ts'
import { node } from './load-node.ts'

/** How programs are compiled, as far as the caller says. */
export type CompileChoices = { readonly [K in keyof CompileOptions]?: CompileOptions[K] | undefined }

/** The choices; what is left open is the CPU, and the engine that `chooseEngine` takes for the device. */
export async function compileInNode(choices: CompileChoices): Promise<CompileOptions> {
  // An option that is there and undefined would hide the default.
  const given = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined))
  const device = choices.device ?? node.device
  const engine = choices.engine ?? (await chooseEngine(undefined, device))
  return { ...(given as Partial<CompileOptions>), engine, device }
}
