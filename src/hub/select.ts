/** Which of a repository's files to take: patterns in which `*` matches any characters, `?` one. */
export interface Selection {
  /** Take exactly the files that match one of these, in place of the rule. A trailing `/` takes a folder. */
  include?: readonly string[] | undefined
  /** Leave out the files that match one of these, whether the rule or `include` took them. */
  exclude?: readonly string[] | undefined
}

/** The rule in one sentence, for help texts. */
export const selectionRule =
  'Takes configuration, tokenizer, templates, licence and weights: safetensors, and PyTorch files only ' +
  'where no safetensors file holds the same weights. Leaves out Python code, other engines (ONNX, GGUF, ' +
  'Flax, TensorFlow, OpenVINO, Core ML), training state, pictures and other media, archives, notebooks, ' +
  'hidden files.'

const skippedEndings =
  /\.(py|ipynb|onnx|onnx_data|gguf|ggml|msgpack|h5|ot|tflite|mlmodel|mlpackage|xml|pb|engine|npz|parquet)$/i
const media =
  /\.(png|jpe?g|gif|webp|bmp|svg|tiff?|ico|mp4|mov|avi|webm|mkv|wav|mp3|flac|ogg|pdf|zip|tar|t?gz)$/i
const skippedFolders =
  /^(onnx|original|openvino|coreml|flax|tf|gguf|runs|logs|wandb|checkpoint-\d+|global_step\d+)\//i
const trainingState =
  /(^|\/)(optimizer|scheduler|scaler|rng_state[^/]*|training_args|trainer_state)\.(pt|pth|bin|json)$/i
const otherEngines = /(^|\/)(openvino_|tf_model|flax_model|rust_model|events\.out\.tfevents)/i
const hidden = /(^|\/)\./

/**
 * The paths to download, in the order given; see `selectionRule`. A PyTorch file goes when a safetensors
 * file of the same folder has its name, shard numbers and the `pytorch_` in front aside, so that
 * `mm_projector.bin` beside `model.safetensors` stays. `consolidated*` goes where `model*.safetensors`
 * repeats it (Mistral, Pixtral).
 */
export function selectFiles(paths: readonly string[], selection: Selection = {}): string[] {
  const { include, exclude } = selection
  const taken = include?.length ? paths.filter(matcher(include)) : paths.filter(byRule(paths))
  return exclude?.length ? taken.filter((path) => !matcher(exclude)(path)) : taken
}

function byRule(paths: readonly string[]): (path: string) => boolean {
  const safetensors = new Set(paths.filter((path) => path.endsWith('.safetensors')).map(weightsName))
  return (path) => {
    if (skippedEndings.test(path) || media.test(path) || skippedFolders.test(path)) return false
    if (trainingState.test(path) || otherEngines.test(path) || hidden.test(path)) return false
    const name = weightsName(path)
    if (name?.endsWith('consolidated')) {
      const folder = name.slice(0, -'consolidated'.length)
      if (safetensors.has(`${folder}model`)) return false
    }
    return name === undefined || isSafetensors(path) || !safetensors.has(name)
  }
}

function isSafetensors(path: string): boolean {
  return /\.safetensors(\.index\.json)?$/.test(path)
}

/**
 * The name that the files of one set of weights share, folder included; undefined for a file that is none.
 */
function weightsName(path: string): string | undefined {
  const match = /^(.*)\.(safetensors|bin|pt|pth|ckpt)(\.index\.json)?$/.exec(path)
  return match?.[1]
    ?.replace(/[-.]\d+(-of-\d+)?$/, '') // model-00001-of-00002, consolidated.00
    .replace(/(^|\/|_)pytorch_model/, '$1model') // pytorch_model, open_clip_pytorch_model
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const literal = (pattern.endsWith('/') ? `${pattern}*` : pattern).replace(/[\\^$+.()|[\]{}]/g, '\\$&')
    return new RegExp(`^${literal.replace(/\*+/g, '.*').replace(/\?/g, '.')}$`, 's')
  })
  return (path) => expressions.some((expression) => expression.test(path))
}
