import { internVit } from '../../src/encoders/internvit.ts'
import { input } from '../../src/graph/tensor.ts'
import { Weights } from '../../src/graph/weights.ts'
import { chooseEngine } from '../../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../../src/runtime/precision.ts'
import { Program } from '../../src/runtime/program.ts'
import { diskStore } from '../../src/runtime/weight-cache.ts'
import { type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'
import { sampled, serve, tilePixels, timed, type VisionRequest } from './protocol.ts'
import { openTower } from './tower.ts'

/** `node bench/peers/panoptes-vision.ts MODEL PRECISION`: the tower of a Mini-Monkey checkpoint, a tile a run. */
const [folder, precision] = process.argv.slice(2) as [string, Precision]
const { checkpoint, config } = await openTower(folder)
const side = config.image_size
const { hiddenStates } = internVit(
  new Weights(checkpoint).at('vision_model'),
  input('pixels', 'f32', [1, 3, side, side]),
  config,
)
const program = await Program.compile(
  'tower',
  { hidden: hiddenStates.at(-1)! },
  {
    engine: await chooseEngine(),
    device: 'cpu',
    precision: precisionsOf(precision),
    quantised: diskStore(),
  },
)
const pixels = hostTensor('f32', [1, 3, side, side], tilePixels(side))

await serve<VisionRequest>(async () => {
  let hidden: HostTensor | undefined
  const time = await timed(async () => {
    hidden = (await program.run({ pixels })).hidden
  })
  return { ...time, values: sampled((hidden as HostTensor<'f32'>).data) }
})
