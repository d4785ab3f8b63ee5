import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import { checkpointOf } from '../checkpoint/entries.ts'
import { linear } from '../nn/linear.ts'
import { GraphError } from '../tensor/errors.ts'
import { f32 } from '../tensor/tensor.ts'
import { dim } from './dim.ts'
import * as ops from './ops/index.ts'
import { input, type Tensor } from './tensor.ts'
import { Weights } from './weights.ts'

/** Model code that stands in a file of its own, its first line being line 1. */
const model = (code: string): ((...x: Tensor[]) => Tensor) =>
  vm.runInThisContext(`(ops, ...x) => (${code})`, { filename: '/models/mine.js' }).bind(undefined, ops)

function misfit(call: () => unknown): GraphError {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof GraphError, String(error))
    assert.equal(error.code, 'shape-misfit')
    return error
  }
  return assert.fail('nothing was thrown')
}

test('a misfit names the op, the operands and the line of model code', () => {
  const call = model('ops.add(x[0],\n  x[1])')
  const error = misfit(() => call(input('a', 'f32', [2, dim('T')]), input('b', 'f32', [3])))
  assert.equal(
    error.message,
    'add(f32[2, T], f32[3]): [2, T] and [3] do not broadcast (axis -1: T and 3), at /models/mine.js:1:21.',
  )
  assert.deepEqual(error.data, { op: 'add', shapes: ['[2, T]', '[3]'], line: '/models/mine.js:1:21' })
})

test('the line is that of the layer which called the op', () => {
  const w = new Weights(checkpointOf('memory', new Map([['fc.weight', f32([2, 3], [1, 2, 3, 4, 5, 6])]])))
  const error = misfit(() => linear(w.at('fc'), input('x', 'f32', [1, 4])))
  assert.match(
    error.message,
    /^linear\(f32\[1, 4\], f32\[2, 3\]\): the input has 4 features, the weight takes 3, at .*\/nn\/linear\.ts:\d+:\d+\.$/,
  )
})

const x = input('x', 'f32', [2, 3])
const ids = input('ids', 'i64', [2])
const misfits: Record<string, [() => unknown, RegExp]> = {
  'axes that do not exist in slice': [
    () => ops.slice(x, 2, 0, 1),
    /^slice\(f32\[2, 3\]\): axis 2 does not exist in a tensor of rank 2/,
  ],
  'axes that do not exist in gather': [() => ops.gather(x, ids, -3), /^gather.*axis -3 does not exist/],
  'axes that do not exist in concat': [() => ops.concat([x, x], 5), /^concat.*axis 5 does not exist/],
  'axes that do not exist in pad': [() => ops.pad(x, 2, 1, 1), /^pad.*axis 2 does not exist/],
  'axes that do not exist in mean': [() => ops.mean(x, [4]), /^sum.*axis 4 does not exist/],
  'axes that do not exist in cumSum': [() => ops.cumSum(x, 2), /^cumSum.*axis 2 does not exist/],
  'axes that do not exist in softmax': [() => ops.softmax(x, 2), /^softmax.*axis 2 does not exist/],
  'rows beyond the end': [() => ops.slice(x, 1, 1, 4), /^slice.*rows 1 to 4 do not lie in axis 1/],
  'rows before the start': [() => ops.slice(x, 1, -1, 2), /^slice.*rows -1 to 2/],
  'element types that differ': [() => ops.add(x, ids), /^add\(f32\[2, 3\], i64\[2\]\): .*element types/],
  'element types that differ in comparisons': [() => ops.equal(ids, 1), /^equal.*element types/],
  'other element counts': [() => ops.reshape(x, [4, -1]), /^reshape.*6 elements do not fit \[4, -1\]/],
  'orders that are no permutation': [() => ops.transpose(x, [0, 0]), /^transpose.*not a permutation/],
  'orders beyond the axes': [() => ops.transpose(x, [0, 2]), /^transpose.*not a permutation/],
  'products that do not meet': [() => ops.matmul(x, x), /^matmul.*3 columns meet 2 rows/],
  'rows of another width': [
    () => ops.addRows(x, input('r', 'f32', [2, 4]), ids),
    /^addRows.*have shape \[2, 3\]/,
  ],
  'indices that are floats': [() => ops.gather(x, x), /^gather.*not i64/],
  'kernels of other channels': [
    () =>
      ops.conv(input('i', 'f32', [1, 3, 4, 4]), input('k', 'f32', [2, 2, 3, 3]), undefined, {
        stride: [1, 1],
        padding: [0, 0],
        groups: 1,
      }),
    /^conv.*takes 2 channels/,
  ],
  'stretching to a smaller shape': [() => ops.expand(x, [1, 3]), /^expand.*does not stretch to \[1, 3\]/],
  'conditions that are not boolean': [() => ops.where(x, x, x), /^where.*not boolean/],
}
for (const [what, [call, message]] of Object.entries(misfits))
  test(`refuses ${what}`, () => {
    assert.match(misfit(call).message, message)
  })
