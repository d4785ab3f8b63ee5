import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importPeer, peerFolder } from './install.ts'
import { sampled, serve, tilePixels, timed, type VisionRequest } from './protocol.ts'
import { openTower } from './tower.ts'
import { writeTower } from './tower-onnx.ts'
import { type PeerTensor, type TransformersModule, transformersVersion } from './transformers-module.ts'

/** `node bench/peers/transformers-vision.ts MODEL`: the same tower in float32 through transformers.js, on the CPU. */
const { checkpoint, config } = await openTower(process.argv[2]!)
const side = config.image_size
const folder = join(peerFolder, 'tower')
if (!existsSync(join(folder, 'onnx/model.onnx'))) {
  await writeTower(join(folder, 'onnx/model.onnx'), checkpoint, config)
  const external = { 'transformers.js_config': { use_external_data_format: { 'model.onnx': 1 } } }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'vit', ...external }))
}
const { AutoModel, Tensor, env } = await importPeer<TransformersModule>(
  '@huggingface/transformers',
  transformersVersion,
)
env.allowRemoteModels = false
env.localModelPath = peerFolder
const model = await AutoModel.from_pretrained('tower', { dtype: 'fp32', device: 'cpu' })
const pixels = new Tensor('float32', tilePixels(side), [1, 3, side, side])

await serve<VisionRequest>(async () => {
  let hidden: PeerTensor | undefined
  const time = await timed(async () => {
    hidden = (await model({ pixel_values: pixels })).last_hidden_state
  })
  return { ...time, values: sampled(hidden!.data) }
})
