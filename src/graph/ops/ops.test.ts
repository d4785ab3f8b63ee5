import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor, type Symbols } from '../../../tests/finite-differences.ts'
import { f32, type HostTensor, hostTensor, i64 } from '../../tensor/tensor.ts'
import { mulDims } from '../dim.ts'
import { constant, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

interface Case {
  /** What is tried, where an op has several cases. */
  readonly what?: string
  readonly run: (...x: Tensor[]) => Tensor
  readonly inputs: readonly HostTensor[]
  /** The value, by hand or by a plain loop. */
  readonly gives?: HostTensor
  /** Axes that are symbolic in a second run of the same case. */
  readonly symbols?: Symbols
  /** false for ops without a gradient (integers, booleans) and steps. */
  readonly hasSlope?: boolean
}

const bool = (shape: readonly number[], values: readonly number[]): HostTensor =>
  hostTensor('bool', shape, Uint8Array.from(values))
const r = randomTensor

/** One operand [3]: x, then what f makes of it. */
const unary = (run: (x: Tensor) => Tensor, x: number[], y: number[], rest: Partial<Case> = {}): Case[] => [
  { run, inputs: [f32([x.length], x)], gives: f32([y.length], y), symbols: [['T']], ...rest },
  ...(rest.hasSlope === false ? [] : [{ what: 'rank 0', run, inputs: [f32([], [0.3])] }]),
]

const binary = (run: (a: Tensor, b: Tensor) => Tensor, y: number[]): Case[] => [
  {
    run,
    inputs: [f32([2, 2], [1, 2, 3, 4]), f32([2, 2], [2, -1, 0.5, 5])],
    gives: f32([2, 2], y),
    symbols: [
      ['B', 2],
      ['B', 2],
    ],
  },
  {
    what: 'rows to a matrix',
    run,
    inputs: [r([2, 3], 1, 1, 2), r([3], 2, 3, 4)],
    symbols: [['B', 'T'], ['T']],
  },
  {
    what: 'a scalar on the left',
    run,
    inputs: [f32([], [1.5]), r([2, 3], 2, 2, 3)],
    symbols: [[], ['B', 3]],
  },
  {
    what: 'both sides stretched',
    run,
    inputs: [r([2, 1, 3], 1, 1, 2), r([4, 1], 2, 3, 4)],
    symbols: [
      ['B', 1, 3],
      ['T', 1],
    ],
  },
]

const comparison = (run: (a: Tensor, b: Tensor) => Tensor, y: number[]): Case[] => [
  { run, inputs: [f32([3], [1, 2, 3]), f32([], [2])], gives: bool([3], y), hasSlope: false },
  {
    what: 'integers',
    run,
    inputs: [i64([3], [1, 2, 3]), i64([1], [2])],
    gives: bool([3], y),
    hasSlope: false,
  },
]

const cells = f32([2, 3], [1, 2, 3, 4, 5, 6])

/** Every op by its exported name: the completeness test below reads the keys. */
/** x [B, H, T, D] by tables [B, 1, T, D/2]: (low, high) → (low·cos − high·sin, high·cos + low·sin). */
function rotatedByLoop(x: HostTensor, cos: HostTensor, sin: HostTensor): HostTensor {
  const [B, H, T, D] = x.shape as [number, number, number, number]
  const half = D / 2
  const y = new Float32Array(x.data.length)
  const [values, c, s] = [x, cos, sin].map((t) => t.data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++)
        for (let i = 0; i < half; i++) {
          const low = ((b * H + h) * T + t) * D + i
          const table = (b * T + t) * half + i
          y[low] = values[low]! * c[table]! - values[low + half]! * s[table]!
          y[low + half] = values[low + half]! * c[table]! + values[low]! * s[table]!
        }
  return f32(x.shape, y)
}

const cases: Record<string, Case[]> = {
  exp: unary(ops.exp, [0, 1, -1], [1, Math.E, 1 / Math.E]),
  log: unary(ops.log, [1, Math.E, 4], [0, 1, Math.log(4)]),
  sqrt: unary(ops.sqrt, [1, 4, 9], [1, 2, 3]),
  sin: unary(ops.sin, [0, Math.PI / 2, 1], [0, 1, Math.sin(1)]),
  cos: unary(ops.cos, [0, Math.PI, 1], [1, -1, Math.cos(1)]),
  tanh: unary(ops.tanh, [0, 1, -1], [0, Math.tanh(1), -Math.tanh(1)]),
  sigmoid: unary(ops.sigmoid, [0, 1, -30], [0.5, 1 / (1 + Math.exp(-1)), Math.exp(-30)]),
  erf: unary(ops.erf, [0, 1, -0.5], [0, 0.8427008, -0.5204999]),
  abs: unary(ops.abs, [-2, 3, 1], [2, 3, 1]),
  sign: unary(ops.sign, [-2, 0, 3], [-1, 0, 1], { hasSlope: false }),
  relu: unary(ops.relu, [-2, 1, 3], [0, 1, 3]),
  elu: unary(ops.elu, [-2, 0.5, 3], [Math.exp(-2) - 1, 0.5, 3]),
  softplus: unary(ops.softplus, [0, 1, -1], [Math.LN2, Math.log(1 + Math.E), Math.log(1 + 1 / Math.E)]),
  gelu: [
    ...unary((x) => ops.gelu(x), [0, 1, -1], [0, 0.8413447, -0.1586553]),
    ...unary((x) => ops.gelu(x, 'tanh'), [0, 1, -1], [0, 0.841192, -0.158808]),
  ],
  silu: unary(ops.silu, [0, 1, -2], [0, 1 / (1 + Math.exp(-1)), -2 / (1 + Math.exp(2))]),
  quickGelu: unary(ops.quickGelu, [0, 1, -2], [0, 1 / (1 + Math.exp(-1.702)), -2 / (1 + Math.exp(3.404))]),
  neg: unary(ops.neg, [1, -2, 0.5], [-1, 2, -0.5]),

  add: binary(ops.add, [3, 1, 3.5, 9]),
  sub: binary(ops.sub, [-1, 3, 2.5, -1]),
  mul: binary(ops.mul, [2, -2, 1.5, 20]),
  div: binary(ops.div, [0.5, -2, 6, 0.8]),
  minimum: binary(ops.minimum, [1, -1, 0.5, 4]),
  maximum: binary(ops.maximum, [2, 2, 3, 5]),
  equal: comparison(ops.equal, [0, 1, 0]),
  lessOrEqual: comparison(ops.lessOrEqual, [1, 1, 0]),
  less: comparison(ops.less, [1, 0, 0]),
  where: [
    {
      run: (c, a, b) => ops.where(c, a, b),
      inputs: [bool([2, 1], [1, 0]), f32([3], [1, 2, 3]), f32([], [9])],
      gives: f32([2, 3], [1, 2, 3, 9, 9, 9]),
      symbols: [['B', 1], ['T'], []],
    },
    {
      what: 'a number',
      run: (c, a) => ops.where(c, a, -1),
      inputs: [bool([2], [1, 0]), f32([2], [1, 2])],
      gives: f32([2], [1, -1]),
    },
  ],
  cast: [
    {
      run: (x) => ops.cast(x, 'i64'),
      inputs: [f32([2], [1.7, -2.2])],
      gives: i64([2], [1, -2]),
      hasSlope: false,
    },
    {
      what: 'to bool',
      run: (x) => ops.cast(x, 'bool'),
      inputs: [i64([2], [3, 0])],
      gives: bool([2], [1, 0]),
      hasSlope: false,
    },
    {
      what: 'from bool',
      run: (x) => ops.cast(x, 'f32'),
      inputs: [bool([2], [1, 0])],
      gives: f32([2], [1, 0]),
      hasSlope: false,
    },
  ],

  sum: [
    { run: (x) => ops.sum(x), inputs: [cells], gives: f32([], [21]), symbols: [['B', 'T']] },
    {
      what: 'axis 0',
      run: (x) => ops.sum(x, [0]),
      inputs: [cells],
      gives: f32([3], [5, 7, 9]),
      symbols: [['B', 'T']],
    },
    {
      what: 'last axis kept',
      run: (x) => ops.sum(x, [-1], { keepDims: true }),
      inputs: [cells],
      gives: f32([2, 1], [6, 15]),
      symbols: [['B', 'T']],
    },
    {
      what: 'axes 0 and 2',
      run: (x) => ops.sum(x, [0, 2]),
      inputs: [r([2, 3, 2], 1)],
      symbols: [['B', 3, 'T']],
    },
    {
      what: 'an empty axis',
      run: (x) => ops.sum(x, [1]),
      inputs: [f32([2, 0], [])],
      gives: f32([2], [0, 0]),
      symbols: [[2, 'T']],
    },
    { what: 'rank 0', run: (x) => ops.sum(x), inputs: [f32([], [3])], gives: f32([], [3]) },
  ],
  mean: [
    { run: (x) => ops.mean(x), inputs: [cells], gives: f32([], [3.5]), symbols: [['B', 'T']] },
    {
      what: 'axis 1',
      run: (x) => ops.mean(x, [1]),
      inputs: [cells],
      gives: f32([2], [2, 5]),
      symbols: [['B', 'T']],
    },
    {
      what: 'axes −1 and 0 kept',
      run: (x) => ops.mean(x, [-1, 0], { keepDims: true }),
      inputs: [r([2, 3, 2], 1)],
      symbols: [['B', 3, 'T']],
    },
  ],
  max: [
    { run: (x) => ops.max(x), inputs: [cells], gives: f32([], [6]), symbols: [['B', 'T']] },
    {
      what: 'axis 0',
      run: (x) => ops.max(x, [0]),
      inputs: [cells],
      gives: f32([3], [4, 5, 6]),
      symbols: [['B', 'T']],
    },
    {
      what: 'last axis kept',
      run: (x) => ops.max(x, [-1], { keepDims: true }),
      inputs: [cells],
      gives: f32([2, 1], [3, 6]),
      symbols: [['B', 'T']],
    },
  ],
  argMax: [
    {
      run: (x) => ops.argMax(x, -1),
      inputs: [f32([2, 3], [1, 5, 5, 4, 2, 3])],
      gives: i64([2], [1, 0]),
      symbols: [['B', 'T']],
      hasSlope: false,
    },
    {
      what: 'axis 0',
      run: (x) => ops.argMax(x, 0),
      inputs: [f32([2, 2], [1, 5, 4, 2])],
      gives: i64([2], [1, 0]),
      hasSlope: false,
    },
  ],
  topKIndices: [
    {
      run: (x) => ops.topKIndices(x, 2),
      inputs: [f32([2, 3], [1, 5, 3, 4, 2, 9])],
      gives: i64([2, 2], [1, 2, 2, 0]),
      symbols: [['B', 'T']],
      hasSlope: false,
    },
  ],
  cumSum: [
    {
      run: (x) => ops.cumSum(x, 1),
      inputs: [cells],
      gives: f32([2, 3], [1, 3, 6, 4, 9, 15]),
      symbols: [['B', 'T']],
    },
    {
      what: 'axis −2',
      run: (x) => ops.cumSum(x, -2),
      inputs: [cells],
      gives: f32([2, 3], [1, 2, 3, 5, 7, 9]),
    },
  ],

  reshape: [
    { run: (x) => ops.reshape(x, [3, -1]), inputs: [cells], gives: f32([3, 2], [1, 2, 3, 4, 5, 6]) },
    {
      what: 'symbolic, inferred',
      run: (x) => ops.reshape(x, [-1, 2]),
      inputs: [r([3, 2, 2], 1)],
      symbols: [['B', 'T', 2]],
    },
    {
      what: 'two unknown sizes',
      run: (x) => ops.reshape(x, [x.shape[0]!, 1, x.shape[1]!]),
      inputs: [cells],
      gives: f32([2, 1, 3], [1, 2, 3, 4, 5, 6]),
      symbols: [['B', 'T']],
    },
    {
      what: 'an unknown size of 0',
      run: (x) => ops.reshape(x, [2, x.shape[0]!, 1, x.shape[1]!]),
      inputs: [f32([3, 0, 2], [])],
      gives: f32([2, 3, 1, 0], []),
      symbols: [['B', 'P', 2]],
    },
    {
      what: 'one unknown size of 0',
      run: (x) => ops.reshape(x, [-1, 2]),
      inputs: [f32([0, 4], [])],
      gives: f32([0, 2], []),
      symbols: [['P', 4]],
    },
    { what: 'to rank 0', run: (x) => ops.reshape(x, []), inputs: [f32([1, 1], [4])], gives: f32([], [4]) },
  ],
  transpose: [
    {
      run: (x) => ops.transpose(x, [1, 0]),
      inputs: [cells],
      gives: f32([3, 2], [1, 4, 2, 5, 3, 6]),
      symbols: [['B', 'T']],
    },
    {
      what: 'three axes',
      run: (x) => ops.transpose(x, [2, 0, 1]),
      inputs: [r([2, 3, 2], 1)],
      symbols: [['B', 3, 'T']],
    },
  ],
  transposeLast: [
    {
      run: ops.transposeLast,
      inputs: [f32([1, 2, 2], [1, 2, 3, 4])],
      gives: f32([1, 2, 2], [1, 3, 2, 4]),
      symbols: [[1, 'T', 2]],
    },
  ],
  expand: [
    { run: (x) => ops.expand(x, [2, 2]), inputs: [f32([2], [1, 2])], gives: f32([2, 2], [1, 2, 1, 2]) },
    {
      what: 'symbolic',
      run: (x, y) => ops.expand(x, [y.shape[0]!, 3, y.shape[1]!]),
      inputs: [r([3, 1], 1), r([2, 2], 2)],
      symbols: [
        [3, 1],
        ['B', 'T'],
      ],
    },
    {
      what: 'to no elements',
      run: (x, y) => ops.mul(ops.expand(x, y.shape), y),
      inputs: [f32([1], [1]), f32([0, 2], [])],
      gives: f32([0, 2], []),
      symbols: [[1], ['P', 2]],
    },
  ],
  concat: [
    {
      run: (...x) => ops.concat(x, 1),
      inputs: [cells, f32([2, 1], [8, 9])],
      gives: f32([2, 4], [1, 2, 3, 8, 4, 5, 6, 9]),
      symbols: [
        ['B', 'P'],
        ['B', 'T'],
      ],
    },
    {
      what: 'axis −2, one empty',
      run: (...x) => ops.concat(x, -2),
      inputs: [cells, f32([0, 3], []), f32([1, 3], [7, 8, 9])],
      gives: f32([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
      symbols: [
        ['B', 3],
        ['P', 3],
        ['T', 3],
      ],
    },
    { what: 'of one', run: (x) => ops.concat([x], 0), inputs: [cells], gives: cells },
  ],
  rowPeak: [
    {
      run: ops.rowPeak,
      inputs: [f32([2, 2], [1, -3, 0, 0])],
      gives: f32([2, 1], [3, 1e-30]),
      symbols: [['T', 2]],
      hasSlope: false,
    },
  ],
  quantiseRows: (['u8', 'i8'] as const).map((type) => ({
    what: type,
    run: (x: Tensor, peak: Tensor) => ops.quantiseRows(x, peak, type),
    inputs: [f32([2, 2], [1, -3, 0.5, 0.25]), f32([2, 1], [3, 0.5])],
    gives:
      type === 'u8'
        ? hostTensor('u8', [2, 2], Uint8Array.of(170, 1, 255, 192))
        : hostTensor('i8', [2, 2], Int8Array.of(42, -127, 127, 64)),
    symbols: [
      ['T', 2],
      ['T', 1],
    ] as Symbols,
    hasSlope: false,
  })),
  integerProduct: (['u8', 'i8'] as const).map((type) => ({
    what: type,
    run: ops.integerProduct,
    inputs: [
      type === 'u8'
        ? hostTensor('u8', [1, 2], Uint8Array.of(255, 1))
        : hostTensor('i8', [1, 2], Int8Array.of(127, -127)),
      hostTensor('i8', [2, 3], Int8Array.of(5, 0, -100, 3, -1, 100)),
      f32([3], [1, 2, 0.01]),
    ],
    gives: f32([1, 3], [2, 2, -2]),
    symbols: [['T', 2], [2, 3], [3]] as Symbols,
    hasSlope: false,
  })),
  blockProduct: [
    {
      run: (x, blocks, scales, bias) => ops.blockProduct(x, { blocks, scales, blockSize: 32 }, bias),
      inputs: [
        f32([2, 2], [1, -1, 0, 0]),
        hostTensor('u8', [1, 1, 16], Uint8Array.of(10 | (3 << 4), ...Array<number>(15).fill(0x88))),
        f32([1], [0.5]),
        f32([1], [100]),
      ],
      gives: f32([2, 1], [103.5, 100]),
      symbols: [['T', 2], [1, 1, 16], [1], [1]],
      hasSlope: false,
    },
  ],
  slice: [
    {
      run: (x) => ops.slice(x, 1, 1, 3),
      inputs: [cells],
      gives: f32([2, 2], [2, 3, 5, 6]),
      symbols: [['B', 3]],
    },
    {
      what: 'symbolic ends, axis −1',
      run: (x, y) => anchored(ops.slice(x, -1, y.shape[0]!, x.shape[1]!), y),
      inputs: [cells, f32([2], [0, 0])],
      gives: f32([2, 1], [3, 6]),
      symbols: [['B', 'T'], ['P']],
    },
    { what: 'nothing', run: (x) => ops.slice(x, 0, 1, 1), inputs: [cells], gives: f32([0, 3], []) },
  ],
  roll: [
    {
      run: (x) => ops.roll(x, 1, -1),
      inputs: [cells],
      gives: f32([2, 3], [2, 3, 1, 5, 6, 4]),
      symbols: [['B', 3]],
    },
    {
      what: 'forward',
      run: (x) => ops.roll(x, -1, 1),
      inputs: [cells],
      gives: f32([2, 3], [3, 1, 2, 6, 4, 5]),
    },
    { what: 'all the way round', run: (x) => ops.roll(x, 0, -4), inputs: [cells], gives: cells },
  ],
  split: [
    {
      run: (x) => ops.split(x, 1, [1, 2])[1]!,
      inputs: [cells],
      gives: f32([2, 2], [2, 3, 5, 6]),
      symbols: [['B', 3]],
    },
    {
      what: 'symbolic sizes',
      run: (x, y) => {
        const parts = ops.split(ops.concat([x, y], 0), 0, [x.shape[0]!, y.shape[0]!])
        return ops.add(ops.sum(ops.mul(parts[0]!, 2)), ops.sum(parts[1]!))
      },
      inputs: [f32([2], [1, 2]), f32([3], [1, 1, 1])],
      gives: f32([], [9]),
      symbols: [['P'], ['T']],
    },
  ],
  pad: [
    {
      run: (x) => ops.pad(x, 1, 1, 0),
      inputs: [cells],
      gives: f32([2, 4], [0, 1, 2, 3, 0, 4, 5, 6]),
      symbols: [['B', 3]],
    },
    {
      what: 'symbolic sides',
      run: (x, y) => anchored(ops.pad(x, -2, y.shape[0]!, 1), y),
      inputs: [cells, f32([2], [0, 0])],
      gives: f32([5, 3], [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0]),
      symbols: [['B', 3], ['P']],
    },
  ],
  dimension: [
    {
      run: (x) => ops.dimension(mulDims(x.shape[0]!, x.shape[1]!), x),
      inputs: [cells],
      gives: i64([], [6]),
      symbols: [['B', 'T']],
      hasSlope: false,
    },
  ],

  multiHeadAttention: [
    {
      run: (q, k, v) => ops.multiHeadAttention(q, k, v, 2, 0.5),
      // Head 0 looks at both tokens alike; head 1 all but only at the second.
      inputs: [f32([1, 2, 2], [0, 9, 0, 9]), f32([1, 2, 2], [1, -9, 1, 9]), f32([1, 2, 2], [2, 3, 4, 7])],
      gives: f32([1, 2, 2], [3, 7, 3, 7]),
      symbols: [
        ['B', 'T', 2],
        ['B', 'T', 2],
        ['B', 'T', 2],
      ],
      hasSlope: false,
    },
  ],

  matmul: [
    {
      run: ops.matmul,
      inputs: [f32([2, 2], [1, 2, 3, 4]), f32([2, 1], [1, 10])],
      gives: f32([2, 1], [21, 43]),
      symbols: [
        ['T', 2],
        [2, 1],
      ],
    },
    {
      what: 'broadcast batches',
      run: ops.matmul,
      inputs: [r([2, 1, 2, 3], 1), r([4, 3, 2], 2)],
      symbols: [
        ['B', 1, 'T', 3],
        [4, 3, 2],
      ],
    },
    {
      what: 'one matrix for all',
      run: ops.matmul,
      inputs: [r([2, 2, 3], 1), r([3, 2], 2)],
      symbols: [
        ['B', 'T', 3],
        [3, 2],
      ],
    },
    {
      what: 'no inner elements',
      run: ops.matmul,
      inputs: [f32([1, 2, 0], []), f32([1, 0, 2], [])],
      gives: f32([1, 2, 2], [0, 0, 0, 0]),
      symbols: [
        [1, 2, 'P'],
        [1, 'P', 2],
      ],
    },
  ],
  matmulTransposed: [
    {
      run: ops.matmulTransposed,
      inputs: [f32([1, 2], [1, 2]), f32([2, 2], [1, 10, 3, 4])],
      gives: f32([1, 2], [21, 11]),
      symbols: [
        ['T', 2],
        ['P', 2],
      ],
    },
    {
      what: 'broadcast batches',
      run: ops.matmulTransposed,
      inputs: [r([2, 1, 2, 3], 1), r([4, 2, 3], 2)],
      symbols: [
        ['B', 1, 'T', 3],
        [4, 'P', 3],
      ],
    },
    {
      what: 'one matrix for all',
      run: ops.matmulTransposed,
      inputs: [r([2, 2, 3], 1), r([4, 3], 2)],
      symbols: [
        ['B', 'T', 3],
        [4, 3],
      ],
    },
    {
      what: 'no rows on the right',
      run: ops.matmulTransposed,
      inputs: [r([1, 2, 3], 1), f32([1, 0, 3], [])],
      gives: f32([1, 2, 0], []),
      symbols: [
        [1, 2, 3],
        [1, 'P', 3],
      ],
    },
  ],
  fusedAttention: [
    {
      what: 'one head, equal scores',
      run: (q, k, v) => ops.fusedAttention(q, k, v, 1),
      inputs: [f32([1, 1, 2], [0, 0]), r([1, 3, 2], 1), f32([1, 3, 2], [1, 2, 3, 4, 8, 9])],
      gives: f32([1, 1, 2], [4, 5]),
    },
    {
      what: 'two heads, more keys than queries',
      run: (q, k, v) => ops.fusedAttention(q, k, v, 2),
      inputs: [r([2, 3, 4], 1), r([2, 5, 4], 2), r([2, 5, 4], 3)],
      symbols: [
        ['B', 'T', 4],
        ['B', 'S', 4],
        ['B', 'S', 4],
      ],
    },
  ],
  cachedAttention: [
    {
      what: 'equal scores over one filled cell of four and the new token, not rotated',
      run: (q, k, v, pastKey, pastValue, lastCell, total, cos, sin) => {
        const cache = { pastKey: pastKey!, pastValue: pastValue!, lastCell: lastCell!, total: total! }
        return ops.cachedAttention({ q, k, v: v!, ...cache, cos: cos!, sin: sin! }, 1, 1).output
      },
      inputs: [
        f32([1, 1, 16], Array(16).fill(0)),
        r([1, 1, 16], 1),
        f32([1, 1, 16], Array(16).fill(4)),
        r([1, 1, 4, 16], 2),
        f32([1, 1, 4, 16], [...Array(16).fill(2), ...Array(48).fill(9)]),
        hostTensor('i32', [1], Int32Array.of(1)),
        hostTensor('i32', [], Int32Array.of(2)),
        f32([4, 8], Array(32).fill(1)),
        f32([4, 8], Array(32).fill(0)),
      ],
      gives: f32([1, 1, 16], Array(16).fill(3)),
      hasSlope: false,
    },
  ],
  linearProduct: [
    {
      run: (x, w, b) => ops.linearProduct(x, w, b),
      inputs: [f32([1, 2], [1, 2]), f32([2, 2], [1, 10, 3, 4]), f32([2], [100, 200])],
      gives: f32([1, 2], [121, 211]),
      symbols: [['T', 2], [2, 2], [2]],
    },
    {
      what: 'rank 3, no bias',
      run: (x, w) => ops.linearProduct(x, w),
      inputs: [r([2, 2, 3], 1), r([4, 3], 2)],
      symbols: [
        ['B', 'T', 3],
        [4, 3],
      ],
    },
    {
      what: 'rank 4',
      run: (x, w, b) => ops.linearProduct(x, w, b),
      inputs: [r([2, 1, 2, 3], 1), r([2, 3], 2), r([2], 3)],
      symbols: [['B', 1, 'T', 3], [2, 3], [2]],
    },
  ],

  softmax: [
    {
      run: (x) => ops.softmax(x),
      inputs: [f32([2, 2], [0, Math.log(3), 1, 1])],
      gives: f32([2, 2], [0.25, 0.75, 0.5, 0.5]),
      symbols: [['B', 'T']],
    },
    { what: 'axis 0', run: (x) => ops.softmax(x, 0), inputs: [r([3, 2], 1, -2, 2)], symbols: [['T', 2]] },
    {
      what: 'no rows',
      run: (x) => ops.softmax(x),
      inputs: [f32([0, 2], [])],
      gives: f32([0, 2], []),
      symbols: [['P', 2]],
    },
  ],
  logSoftmax: [
    {
      run: (x) => ops.logSoftmax(x),
      inputs: [f32([1, 2], [0, Math.log(3)])],
      gives: f32([1, 2], [Math.log(0.25), Math.log(0.75)]),
      symbols: [['B', 'T']],
    },
    {
      what: 'axis 1 of 3',
      run: (x) => ops.logSoftmax(x, 1),
      inputs: [r([2, 3, 2], 1, -2, 2)],
      symbols: [['B', 'T', 2]],
    },
  ],
  layerNormalise: [
    {
      run: (x, s, b) => ops.layerNormalise(x, s, b, 0),
      inputs: [f32([1, 2], [1, 3]), f32([2], [2, 1]), f32([2], [0, 10])],
      gives: f32([1, 2], [-2, 11]),
      symbols: [['T', 2], [2], [2]],
    },
    {
      what: 'rank 3, ε',
      run: (x, s, b) => ops.layerNormalise(x, s, b, 1e-1),
      inputs: [r([2, 2, 4], 1), r([4], 2), r([4], 3)],
      symbols: [['B', 'T', 4], [4], [4]],
    },
    {
      what: 'no bias',
      run: (x, s) => ops.layerNormalise(x, s, undefined, 1e-1),
      inputs: [r([3, 4], 1), r([4], 2)],
    },
  ],
  rmsNormalise: [
    {
      run: (x, s) => ops.rmsNormalise(x, s, 0),
      inputs: [f32([1, 2], [1, 7]), f32([2], [5, 10])],
      gives: f32([1, 2], [1, 14]),
      symbols: [['T', 2], [2]],
    },
    {
      what: 'rank 3, ε',
      run: (x, s) => ops.rmsNormalise(x, s, 1e-1),
      inputs: [r([2, 2, 4], 1), r([4], 2)],
      symbols: [['B', 'T', 4], [4]],
    },
  ],
  rotary: [
    {
      run: ops.rotary,
      inputs: [f32([1, 1, 4], [1, 2, 3, 4]), f32([1, 2], [0, 1]), f32([1, 2], [1, 0])],
      gives: f32([1, 1, 4], [-3, 2, 1, 4]),
      hasSlope: false,
    },
    {
      what: 'heads',
      run: (x) => ops.rotary(x, constant(r([2, 1, 3, 2], 5)), constant(r([2, 1, 3, 2], 6))),
      inputs: [r([2, 2, 3, 4], 1)],
    },
    {
      what: 'heads by position',
      run: ops.rotary,
      inputs: [r([2, 2, 3, 4], 1), r([2, 1, 3, 2], 5), r([2, 1, 3, 2], 6)],
      gives: rotatedByLoop(r([2, 2, 3, 4], 1), r([2, 1, 3, 2], 5), r([2, 1, 3, 2], 6)),
      symbols: [
        ['B', 2, 'T', 4],
        ['B', 1, 'T', 2],
        ['B', 1, 'T', 2],
      ],
      hasSlope: false,
    },
    {
      what: 'tokens',
      run: (x) => ops.rotary(x, constant(r([1, 2], 5)), constant(r([1, 2], 6))),
      inputs: [r([2, 2, 3, 4], 1)],
      symbols: [['B', 2, 'T', 4]],
    },
  ],

  gather: [
    {
      run: (x, at) => ops.gather(x, at),
      inputs: [cells, i64([3], [1, 0, 1])],
      gives: f32([3, 3], [4, 5, 6, 1, 2, 3, 4, 5, 6]),
      symbols: [['B', 3], ['n']],
    },
    {
      what: 'axis 1, matrix of indices',
      run: (x, at) => ops.gather(x, at, 1),
      inputs: [cells, i64([2, 2], [0, 2, 2, 1])],
      gives: f32([2, 2, 2], [1, 3, 3, 2, 4, 6, 6, 5]),
      symbols: [
        ['B', 'T'],
        ['n', 2],
      ],
    },
    {
      what: 'middle axis',
      run: (x, at) => ops.gather(x, at, 1),
      inputs: [r([2, 3, 2], 1), i64([4], [2, 0, 2, 1])],
      symbols: [['B', 'T', 2], ['n']],
    },
    {
      what: 'last axis, matrix of indices',
      run: (x, at) => ops.gather(x, at, -1),
      inputs: [r([2, 2, 3], 1), i64([2, 1], [2, 0])],
      symbols: [
        ['B', 2, 'T'],
        ['n', 1],
      ],
    },
    {
      what: 'one index',
      run: (x, at) => ops.gather(x, at, 1),
      inputs: [cells, i64([], [2])],
      gives: f32([2], [3, 6]),
      symbols: [['B', 'T'], []],
    },
    {
      what: 'no index',
      run: (x, at) => ops.gather(x, at),
      inputs: [cells, i64([0], [])],
      gives: f32([0, 3], []),
      symbols: [['B', 3], ['n']],
    },
  ],
  scatterAddRows: [
    {
      run: (x, at) => ops.scatterAddRows(x, at, [3, 2]),
      inputs: [f32([3, 2], [1, 2, 3, 4, 5, 6]), i64([3], [2, 0, 2])],
      gives: f32([3, 2], [3, 4, 0, 0, 6, 8]),
      symbols: [['n', 2], ['n']],
    },
    {
      what: 'matrix of indices',
      run: (x, at) => ops.scatterAddRows(x, at, [2, 3]),
      inputs: [r([2, 2, 3], 1), i64([2, 2], [1, 1, 0, 1])],
      symbols: [
        ['n', 2, 3],
        ['n', 2],
      ],
    },
    {
      what: 'no rows',
      run: (x, at) => ops.scatterAddRows(x, at, [1, 2]),
      inputs: [f32([0, 2], []), i64([0], [])],
      gives: f32([1, 2], [0, 0]),
      symbols: [['n', 2], ['n']],
    },
  ],
  addRows: [
    {
      run: ops.addRows,
      inputs: [cells, f32([2, 3], [1, 1, 1, 2, 2, 2]), i64([2], [1, 1])],
      gives: f32([2, 3], [1, 2, 3, 7, 8, 9]),
      symbols: [['T', 3], ['n', 3], ['n']],
    },
    {
      what: 'no rows',
      run: ops.addRows,
      inputs: [cells, f32([0, 3], []), i64([0], [])],
      gives: cells,
      symbols: [['T', 3], ['n', 3], ['n']],
    },
  ],
  replaceRows: [
    {
      run: ops.replaceRows,
      inputs: [f32([3, 2], [1, 2, 3, 4, 5, 6]), f32([2, 2], [8, 8, 9, 9]), i64([2], [2, 0])],
      gives: f32([3, 2], [9, 9, 3, 4, 8, 8]),
      symbols: [['T', 2], ['n', 2], ['n']],
    },
    {
      what: 'no rows',
      run: ops.replaceRows,
      inputs: [cells, f32([0, 3], []), i64([0], [])],
      gives: cells,
      symbols: [['T', 3], ['n', 3], ['n']],
    },
  ],
  takeLast: [
    {
      run: ops.takeLast,
      inputs: [cells, i64([2, 1], [2, 0])],
      gives: f32([2, 1], [3, 4]),
      symbols: [
        ['T', 'V'],
        ['T', 1],
      ],
    },
    {
      what: 'rank 3, repeated',
      run: ops.takeLast,
      inputs: [r([2, 2, 3], 1), i64([2, 2, 2], [0, 0, 1, 2, 2, 2, 0, 1])],
      symbols: [
        ['B', 'T', 3],
        ['B', 'T', 2],
      ],
    },
  ],
  scatterAddLast: [
    {
      run: (x, at) => ops.scatterAddLast(x, at, [x.shape[0]!, 3]),
      inputs: [f32([2, 2], [1, 2, 3, 4]), i64([2, 2], [2, 2, 0, 1])],
      gives: f32([2, 3], [0, 0, 3, 3, 4, 0]),
      symbols: [
        ['T', 2],
        ['T', 2],
      ],
    },
  ],
  embedding: [
    {
      run: ops.embedding,
      inputs: [f32([3, 2], [1, 2, 3, 4, 5, 6]), i64([2, 2], [0, 2, 2, 1])],
      gives: f32([2, 2, 2], [1, 2, 5, 6, 5, 6, 3, 4]),
      symbols: [
        [3, 2],
        ['B', 'T'],
      ],
    },
  ],
  paddedEmbedding: [
    {
      run: (table, ids) => ops.paddedEmbedding(table, ids, 2),
      inputs: [f32([3, 1], [1, 2, 3]), i64([1, 3], [0, 2, 1])],
      gives: f32([1, 3, 1], [1, 3, 2]),
      symbols: [
        [3, 1],
        ['B', 'T'],
      ],
      hasSlope: false,
    },
  ],
  after: [
    {
      run: (x, first) => ops.after(x, [first, ops.sum(first, [1])]),
      inputs: [cells, r([2, 3], 1)],
      gives: cells,
      hasSlope: false,
    },
  ],
  stopGradient: [{ run: ops.stopGradient, inputs: [cells], gives: cells, hasSlope: false }],

  conv: [],
  convTranspose: [],
  roiAlign: [],
  roiAxisWeights: [],
  patchify: [
    {
      run: (x) => ops.patchify(x, 2),
      inputs: [f32([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8])],
      gives: f32([1, 2, 4], [1, 2, 5, 6, 3, 4, 7, 8]),
      symbols: [['N', 1, 'h', 'w']],
    },
    {
      what: 'leftover pixels',
      run: (x) => ops.patchify(x, 2),
      inputs: [r([2, 2, 3, 5], 1)],
      symbols: [['N', 2, 'h', 'w']],
    },
  ],
}

/** x in a graph that also has y, so that y's sizes are known to it. */
function anchored(x: Tensor, y: Tensor): Tensor {
  return ops.add(x, ops.mul(ops.sum(y), 0))
}

for (const { what, x, w, attributes, symbols } of [
  {
    what: 'points',
    x: [2, 2, 3, 3],
    w: [3, 2, 1, 1],
    attributes: { stride: [1, 1], padding: [0, 0], groups: 1 },
  },
  {
    what: 'padding 1',
    x: [1, 2, 4, 3],
    w: [2, 2, 3, 3],
    attributes: { stride: [1, 1], padding: [1, 1], groups: 1 },
  },
  {
    what: 'stride 2, leftover 1',
    x: [1, 2, 6, 5],
    w: [2, 2, 3, 2],
    attributes: { stride: [2, 2], padding: [0, 0], groups: 1 },
  },
  {
    what: 'stride 3, padding 1, leftovers',
    x: [2, 1, 7, 5],
    w: [2, 1, 2, 3],
    attributes: { stride: [3, 2], padding: [1, 0], groups: 1 },
  },
  {
    what: 'two groups',
    x: [2, 4, 4, 4],
    w: [6, 2, 3, 3],
    attributes: { stride: [2, 1], padding: [1, 1], groups: 2 },
  },
  {
    what: 'depthwise',
    x: [2, 3, 5, 4],
    w: [3, 1, 3, 3],
    attributes: { stride: [1, 1], padding: [1, 1], groups: 3 },
  },
  { what: '1-D', x: [2, 2, 7], w: [2, 2, 3], attributes: { stride: [2], padding: [1], groups: 1 } },
  {
    what: '3-D, two groups',
    x: [1, 2, 3, 4, 3],
    w: [2, 1, 2, 2, 2],
    attributes: { stride: [1, 2, 2], padding: [0, 1, 0], groups: 2 },
  },
].map((c) => ({ ...c, symbols: ['N', c.x[1]!, ...c.x.slice(2).map((_, i) => `s${i}`)] }))) {
  const [image, kernel] = [r(x, 1), r(w, 2)]
  const bias = r([w[0]!], 3)
  cases.conv!.push({
    what,
    run: (a, b, c) => ops.conv(a, b, c, attributes),
    inputs: [image, kernel, bias],
    gives: plainConv(image, kernel, bias, attributes),
    symbols: [symbols, w, [w[0]!]],
  })
  const outputPadding = attributes.stride.map((s) => s - 1)
  cases.convTranspose!.push({
    what,
    run: (y, b) => ops.convTranspose(y, b, { ...attributes, outputPadding }),
    inputs: [r([x[0]!, w[0]!, ...x.slice(2)], 4), kernel],
    symbols: [['N', w[0]!, ...x.slice(2).map((_, i) => `s${i}`)], w],
  })
}

const rois = f32([5, 4], [0, 0, 12, 10, 2.2, 1, 3, 9.5, 0, 0, 0, 0, 9, 8, 12, 10, -4, 3, 20, 5])
const roiPictures = i64([5], [0, 1, 1, 0, 1])
const roiMaps = r([2, 3, 5, 6], 1)
for (const [aligned, samplingRatio] of [
  [false, 0],
  [true, 0],
  [false, 2],
  [true, 1],
] as const) {
  const attributes = { outputSize: [2, 3], spatialScale: 0.5, samplingRatio, aligned } as const
  const what = `${aligned ? 'aligned' : 'not aligned'}, ${samplingRatio || 'adaptive'} samples`
  const symbols: Symbols = [['B', 3, 'h', 'w'], ['n', 4], ['n']]
  const gives = plainRoiAlign(roiMaps, rois, roiPictures, attributes)
  cases.roiAlign!.push({
    what: `${what}, boxes given`,
    run: (maps, boxes, pictures) => ops.roiAlign(maps, boxes, pictures, attributes),
    inputs: [roiMaps, rois, roiPictures],
    gives,
    symbols,
    hasSlope: false,
  })
  cases.roiAlign!.push({
    what,
    run: (maps) => ops.roiAlign(maps, constant(rois), constant(roiPictures), attributes),
    inputs: [roiMaps],
    gives,
    symbols: symbols.slice(0, 1),
  })
  cases.roiAxisWeights!.push({
    what,
    run: (maps, boxes) => {
      const rows = ops.roiAxisWeights(boxes, 'y', maps.shape[2]!, attributes)
      const columns = ops.roiAxisWeights(boxes, 'x', maps.shape[3]!, attributes)
      const n = boxes.shape[0]!
      const across = ops.matmulTransposed(
        ops.gather(maps, constant(roiPictures)),
        ops.reshape(columns, [n, 1, 3, -1]),
      )
      return ops.matmul(ops.reshape(rows, [n, 1, 2, -1]), across)
    },
    inputs: [roiMaps, rois],
    gives,
    hasSlope: false,
  })
}

/** RoIAlign by its definition. */
function plainRoiAlign(
  { shape, data }: HostTensor,
  boxes: HostTensor,
  pictures: HostTensor,
  { outputSize: [rows, columns], spatialScale, samplingRatio, aligned }: ops.RoiAlignAttributes,
): HostTensor<'f32'> {
  const [, C, h, w] = shape as [number, number, number, number]
  const cell = (b: number, c: number, y: number, x: number): number =>
    Number(data[((b * C + c) * h + y) * w + x])
  const sample = (b: number, c: number, y: number, x: number): number => {
    if (y < -1 || y > h || x < -1 || x > w) return 0
    const [top, left] = [Math.min(Math.max(y, 0), h - 1), Math.min(Math.max(x, 0), w - 1)]
    const [y0, x0] = [Math.floor(top), Math.floor(left)]
    const [y1, x1] = [Math.min(y0 + 1, h - 1), Math.min(x0 + 1, w - 1)]
    const upper = cell(b, c, y0, x0) * (1 - left + x0) + cell(b, c, y0, x1) * (left - x0)
    const lower = cell(b, c, y1, x0) * (1 - left + x0) + cell(b, c, y1, x1) * (left - x0)
    return upper * (1 - top + y0) + lower * (top - y0)
  }
  const n = boxes.shape[0]!
  const values: number[] = []
  for (let i = 0; i < n; i++) {
    const [x0, y0, x1, y1] = Array.from(
      { length: 4 },
      (_, k) => Number(boxes.data[4 * i + k]) * spatialScale - (aligned ? 0.5 : 0),
    ) as [number, number, number, number]
    const extent = (from: number, to: number): number => (aligned ? to - from : Math.max(to - from, 1))
    const [high, wide] = [extent(y0, y1) / rows, extent(x0, x1) / columns]
    const [down, across] = [high, wide].map((size) => samplingRatio || Math.ceil(size)) as [number, number]
    for (let c = 0; c < C; c++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          let total = 0
          for (let j = 0; j < down; j++)
            for (let k = 0; k < across; k++)
              total += sample(
                Number(pictures.data[i]),
                c,
                y0 + row * high + ((j + 0.5) * high) / down,
                x0 + column * wide + ((k + 0.5) * wide) / across,
              )
          values.push(total / Math.max(down * across, 1))
        }
  }
  return f32([n, C, rows, columns], values)
}

/** Convolution by its definition. */
function plainConv(
  x: HostTensor,
  w: HostTensor,
  bias: HostTensor,
  { stride, padding, groups }: ops.ConvAttributes,
): HostTensor<'f32'> {
  const [batch, channels, ...sizes] = x.shape as [number, number, ...number[]]
  const [outputs, perGroup, ...kernel] = w.shape as [number, number, ...number[]]
  const places = sizes.map((s, i) => Math.floor((s + 2 * padding[i]! - kernel[i]!) / stride[i]!) + 1)
  const every = (shape: readonly number[]): number[][] =>
    shape.reduce<number[][]>(
      (all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])),
      [[]],
    )
  const at = (t: HostTensor, index: readonly number[]): number =>
    Number(t.data[index.reduce((flat, i, axis) => flat * t.shape[axis]! + i, 0)])
  const values = every([batch, outputs, ...places]).map(([b, o, ...place]) => {
    const group = Math.floor(o! / (outputs / groups))
    let total = at(bias, [o!])
    for (const [c, ...cell] of every([perGroup, ...kernel])) {
      const from = cell.map((k, i) => place[i]! * stride[i]! + k - padding[i]!)
      if (from.every((f, i) => f >= 0 && f < sizes[i]!))
        total += at(w, [o!, c!, ...cell]) * at(x, [b!, group * (channels / groups) + c!, ...from])
    }
    return total
  })
  return f32([batch, outputs, ...places], values)
}

test('every op has a case', () => {
  const exported = Object.entries(ops).filter(([, value]) => typeof value === 'function')
  assert.deepEqual(
    exported.map(([name]) => name).filter((name) => !cases[name]?.length),
    [],
  )
})

for (const [name, list] of Object.entries(cases))
  for (const c of list)
    for (const symbols of c.symbols ? [undefined, c.symbols] : [undefined]) {
      const title = `${name}${c.what ? `, ${c.what}` : ''}${symbols ? ', symbolic sizes' : ''}`
      test(title, async () => {
        if (c.gives) closeTo(await evaluate(c.run, c.inputs, symbols), c.gives, { atol: 2e-6 })
        if (c.hasSlope === false) return
        for (const { place, derived, measured } of await compareSlopes(c.run, c.inputs, { symbols }))
          assert.ok(
            Math.abs(derived - measured) <= 2e-3 + 5e-3 * Math.abs(measured),
            `${title}: d/d${place} is ${derived}, measured ${measured}`,
          )
      })
    }
