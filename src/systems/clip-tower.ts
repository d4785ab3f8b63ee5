import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { parseConfig, readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { type ClipVisionConfig, clipVisionConfig } from '../encoders/clip-config.ts'

/** Every published CLIP image tower has heads of this size. */
const headSize = 64

/**
 * The configuration of a CLIP tower. LLaVA checkpoints do not have it: it is read beside the tower's own weights, or,
 * where the tower came with the checkpoint (LLaVA 1.6), told by the shapes of the weights.
 * @param given the configuration as a config.json has it, where it does
 * @param source the folder that the tower came from
 * @param prefix of the tower's keys, up to `vision_model.`
 * @throws CheckpointError `config-invalid`, `weight-missing`
 */
export async function clipTowerConfig(
  given: unknown,
  source: FileSource | undefined,
  checkpoint: Checkpoint,
  prefix: string,
): Promise<ClipVisionConfig> {
  if (given !== undefined)
    return parseConfig(clipVisionConfig, given, 'the configuration of the vision tower')
  if (source) {
    const config = (await readJsonFile(source, 'config.json')) as { readonly vision_config?: unknown } | null
    return parseConfig(clipVisionConfig, config?.vision_config ?? config, `${source.name}/config.json`)
  }
  return configOfWeights(checkpoint, prefix)
}

function configOfWeights(checkpoint: Checkpoint, prefix: string): ClipVisionConfig {
  const shape = (key: string): readonly number[] => checkpoint.entry(prefix + key).shape
  const [width, , patch] = shape('embeddings.patch_embedding.weight') as [number, number, number]
  const [positions] = shape('embeddings.position_embedding.weight') as [number]
  const [inner] = shape('encoder.layers.0.mlp.fc1.weight') as [number]
  const layers = checkpoint
    .keys()
    .filter((key) => key.startsWith(prefix) && key.endsWith('.layer_norm1.weight')).length
  return clipVisionConfig.parse({
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: Math.max(1, width / headSize),
    image_size: Math.sqrt(positions - 1) * patch,
    patch_size: patch,
  })
}
