import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { type Tensor, weight } from './tensor.ts'

/**
 * A scoped view of a checkpoint's weights under their original names: `w.at('attn').get('qkv.weight')`.
 * The same key always gives the same tensor, so that a graph holds each weight once.
 */
export class Weights {
  readonly #checkpoint: Checkpoint
  readonly #prefix: string
  readonly #seen: Map<string, Tensor>

  constructor(checkpoint: Checkpoint, prefix = '', seen = new Map<string, Tensor>()) {
    this.#checkpoint = checkpoint
    this.#prefix = prefix
    this.#seen = seen
  }

  /** The view below `name`: keys continue after a dot. */
  at(name: string | number): Weights {
    return new Weights(this.#checkpoint, this.key(String(name)), this.#seen)
  }

  /** The full key of `name` in this scope. */
  key(name: string): string {
    return this.#prefix === '' ? name : `${this.#prefix}.${name}`
  }

  has(name: string): boolean {
    return this.#checkpoint.has(this.key(name))
  }

  /** @throws CheckpointError `weight-missing`, which names the key, the file and the nearest keys. */
  get(name: string): Tensor {
    const key = this.key(name)
    const known = this.#seen.get(key)
    if (known) return known
    const tensor = weight(this.#checkpoint.entry(key))
    this.#seen.set(key, tensor)
    return tensor
  }

  /** The weight if the checkpoint has it (biases and other optional parts). */
  find(name: string): Tensor | undefined {
    return this.has(name) ? this.get(name) : undefined
  }

  /** Every weight read so far, by full key. */
  read(): ReadonlyMap<string, Tensor> {
    return this.#seen
  }
}

/** Weight names with their shapes: what a configuration says a checkpoint holds. */
export type Shapes = Readonly<Record<string, readonly number[]>>

/** The same weights below a prefix. */
export function prefixShapes(prefix: string, shapes: Shapes): Shapes {
  return Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [`${prefix}.${key}`, shape]))
}
