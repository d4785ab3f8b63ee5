import type { CompileOptions } from '../runtime/program.ts'
import { node } from './load-node.ts'

/** How programs are compiled, as far as the caller says. */
export type CompileChoices = { readonly [K in keyof CompileOptions]?: CompileOptions[K] | undefined }

/** The choices; what is left open is Node's engine on the CPU. */
export function compileInNode(choices: CompileChoices): CompileOptions {
  // An option that is there and undefined would hide the default.
  const given = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined))
  return { engine: node.engine, device: node.device, ...(given as Partial<CompileOptions>) }
}
