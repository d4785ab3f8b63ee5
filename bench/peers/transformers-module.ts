/** The release that the bench installs. */
export const transformersVersion = '4.3.1'

/** What the bench uses of transformers.js. */
export interface TransformersModule {
  readonly env: { allowRemoteModels: boolean; localModelPath: string }
  readonly Tensor: new (
    type: string,
    data: Float32Array | BigInt64Array,
    dims: readonly number[],
  ) => PeerTensor
  readonly DynamicCache: new (entries?: Readonly<Record<string, PeerTensor>>) => PeerCache
  readonly AutoModel: {
    from_pretrained(
      id: string,
      options: object,
    ): Promise<(inputs: Readonly<Record<string, PeerTensor>>) => Promise<Record<string, PeerTensor>>>
  }
  readonly AutoModelForCausalLM: {
    from_pretrained(id: string, options: object): Promise<{ generate(options: object): Promise<Generated> }>
  }
}

export interface PeerTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

export interface PeerCache {
  get_seq_length(): number
}

export interface Generated {
  readonly sequences: PeerTensor
  readonly past_key_values: PeerCache
}
