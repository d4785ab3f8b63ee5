import { roiAlign } from '../../../src/graph/ops/index.ts'
import { input } from '../../../src/graph/tensor.ts'
import { roiMeans, roiMeanWeights } from '../../../src/nn/roi-mean.ts'
import { type HostTensor, hostTensor, zeros } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { rowsOf, runOnce, withShape } from '../programs.ts'

interface Config {
  readonly aligned: boolean
  readonly sampling_ratio: number
  readonly reference_size: number
}

/** Means by the separable weights, and grids by the general op, for every map and grid of the folder. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const tensors = new Map<string, HostTensor>()
  for (const name of golden.io.keys()) {
    const found = /^expected\.(mean|roi)(\d+)_(\w+?)(?:_first(\d+))?$/.exec(name)
    if (!found) continue
    const [, what, cells, map, first] = found
    const maps = golden.io.get(`input.feat${map}`)!
    const boxes = golden.io.get('input.boxes')!
    const value =
      what === 'mean'
        ? await boxMeans(golden, maps, boxes, Number(cells))
        : await boxGrids(golden, maps, firstRows(boxes, first), Number(cells))
    tensors.set(name.slice(9), value)
  }
  return { tensors, checked: tensors.size }
}

async function boxMeans(
  golden: GoldenCase,
  maps: HostTensor,
  boxes: HostTensor,
  cells: number,
): Promise<HostTensor> {
  const { reference_size: pictureSide } = golden.json.config as unknown as Config
  const pictures = [rowsOf(boxes) as [number, number, number, number][]]
  const [weights] = roiMeanWeights(pictures, [maps.shape[2]!], { pictureSide, cells })
  const { rows, columns } = weights!
  const symbolic = {
    rows: input('rows', 'f32', rows.shape),
    columns: input('columns', 'f32', columns.shape),
  }
  const means = roiMeans([input('maps', 'f32', maps.shape)], [symbolic])
  const values = await runOnce({ means }, { maps, rows, columns })
  return withShape(values.means!, [boxes.shape[0]!, maps.shape[1]!])
}

async function boxGrids(
  golden: GoldenCase,
  maps: HostTensor,
  boxes: HostTensor,
  cells: number,
): Promise<HostTensor> {
  const config = golden.json.config as unknown as Config
  const pictures = zeros('i64', [boxes.shape[0]!])
  const grids = roiAlign(
    input('maps', 'f32', maps.shape),
    input('boxes', 'f32', boxes.shape),
    input('pictures', 'i64', pictures.shape),
    {
      outputSize: [cells, cells],
      spatialScale: maps.shape[2]! / config.reference_size,
      samplingRatio: Math.max(0, config.sampling_ratio),
      aligned: config.aligned,
    },
  )
  return (await runOnce({ grids }, { maps, boxes, pictures })).grids!
}

function firstRows(boxes: HostTensor, count: string | undefined): HostTensor {
  if (count === undefined) return boxes
  const data = (boxes.data as Float32Array<ArrayBuffer>).slice(0, 4 * Number(count))
  return hostTensor('f32', [Number(count), 4], data)
}
