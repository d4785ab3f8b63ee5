import type { Command } from './command.ts'

/** A command that is not loaded yet: enough for the list in `panoptes --help`. */
export interface CommandEntry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** The commands in the order of the help. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  ask: {
    summary: 'answer a question about pictures',
    load: async () => (await import('./ask.ts')).ask,
  },
  chat: {
    summary: 'talk about pictures, turn by turn',
    load: async () => (await import('./chat.ts')).chat,
  },
  tag: {
    summary: 'name what is in a picture',
    load: async () => (await import('./tag.ts')).tag,
  },
  detect: {
    summary: 'find in a picture what words describe',
    load: async () => (await import('./detect.ts')).detect,
  },
  plan: {
    summary: 'forecast the tokens, seconds and memory of a question',
    load: async () => (await import('./plan.ts')).plan,
  },
  tile: {
    summary: 'show how a picture is cut into tiles',
    load: async () => (await import('./tile.ts')).tile,
  },
  pull: {
    summary: 'download a model from the hub',
    load: async () => (await import('./pull.ts')).pull,
  },
  models: {
    summary: 'list the models on this machine',
    load: async () => (await import('./models.ts')).models,
  },
  cache: {
    summary: 'show or clear the quantised weights that are kept',
    load: async () => (await import('./cache.ts')).cache,
  },
  synth: {
    summary: 'make pictures with questions to learn from',
    load: async () => (await import('./synth.ts')).synth,
  },
  train: {
    summary: 'train a model as a recipe says',
    load: async () => (await import('./train.ts')).train,
  },
  lab: {
    summary: 'repeat experiments of the field with a small model',
    load: async () => (await import('./lab.ts')).lab,
  },
}
