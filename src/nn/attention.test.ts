import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor, type Symbols } from '../../tests/finite-differences.ts'
import type { Tensor } from '../graph/tensor.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { attention, causalAttention, groupedQueryAttention, mergeHeads, splitHeads } from './attention.ts'

const r = randomTensor
const [batch, heads, kvHeads, tokens, size] = [2, 4, 2, 5, 2]

/** q, k, v, mask and a past of P keys and values. */
const operands = (past: number): HostTensor[] => [
  r([batch, heads, tokens, size], 1),
  r([batch, kvHeads, tokens, size], 2),
  r([batch, kvHeads, tokens, size], 3),
  causal(past),
  r([batch, kvHeads, past, size], 4),
  r([batch, kvHeads, past, size], 5),
]
const symbols: Symbols = [
  ['B', heads, 'T', size],
  ['B', kvHeads, 'T', size],
  ['B', kvHeads, 'T', size],
  ['B', 'T', 'P + T'],
  ['B', kvHeads, 'P', size],
  ['B', kvHeads, 'P', size],
]

/** Of queries at the end of S tokens. */
const symbolsOfLast: Symbols = [
  ['B', heads, 'T', size],
  ['B', kvHeads, 'S', size],
  ['B', kvHeads, 'S', size],
  ['B', 'T', 'S'],
]

/** Token t sees the past and the tokens up to itself. */
function causal(past: number): HostTensor<'f32'> {
  const row = (t: number): number[] =>
    Array.from({ length: past + tokens }, (_, j) => (j <= past + t ? 0 : -1e4))
  return f32(
    [batch, tokens, past + tokens],
    Array.from({ length: batch * tokens }, (_, i) => row(i % tokens)).flat(),
  )
}

const withPast = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor, key: Tensor, value: Tensor): Tensor =>
  groupedQueryAttention(q, k, v, mask, { key, value }).output

/** The rows of each head one behind the other: [B, kv, P, D] and [B, kv, T, D] → [B, kv, P + T, D]. */
function along(past: HostTensor, rows: HostTensor): HostTensor<'f32'> {
  const [P, T] = [past.shape[2]! * size, rows.shape[2]! * size]
  const data = Array.from({ length: batch * kvHeads }, (_, head) => [
    ...(past.data as Float32Array).subarray(head * P, (head + 1) * P),
    ...(rows.data as Float32Array).subarray(head * T, (head + 1) * T),
  ])
  return f32([batch, kvHeads, (P + T) / size, size], data.flat())
}

/** Grouped-query attention by its definition. */
function plain([q, k, v, , key, value]: HostTensor[], past: number): HostTensor<'f32'> {
  const out: number[] = []
  const row = (x: HostTensor, rows: number, b: number, h: number, t: number): number[] => {
    const from = ((b * x.shape[1]! + h) * rows + t) * size
    return [...(x.data as Float32Array).subarray(from, from + size)]
  }
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < tokens; t++) {
        const group = Math.floor((h * kvHeads) / heads)
        const seen = Array.from({ length: past + t + 1 }, (_, j) =>
          j < past
            ? [row(key!, past, b, group, j), row(value!, past, b, group, j)]
            : [row(k!, tokens, b, group, j - past), row(v!, tokens, b, group, j - past)],
        )
        const query = row(q!, tokens, b, h, t)
        const scores = seen.map(([a]) =>
          Math.exp(query.reduce((s, x, i) => s + x * a![i]!, 0) / Math.sqrt(size)),
        )
        const total = scores.reduce((a, c) => a + c, 0)
        for (let i = 0; i < size; i++)
          out.push(seen.reduce((s, [, c], j) => s + (scores[j]! / total) * c![i]!, 0))
      }
  return f32([batch, heads, tokens, size], out)
}

for (const past of [0, 3])
  for (const known of [undefined, symbols])
    test(`a query attends to ${past} cached tokens and those up to itself${known ? ', symbolic sizes' : ''}`, async () => {
      const values = operands(past)
      closeTo(await evaluate(withPast, values, known), plain(values, past), { atol: 2e-6 })
      await slopesAgree(withPast, values, known)
    })

test('without a past the new tokens attend to each other', async () => {
  const values = operands(0).slice(0, 4)
  const run = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor =>
    groupedQueryAttention(q, k, v, mask).output
  closeTo(await evaluate(run, values), plain(operands(0), 0), { atol: 2e-6 })
  await slopesAgree(run, values)
})

for (const known of [undefined, symbolsOfLast])
  test(`the last queries attend causally in parts${known ? ', symbolic sizes' : ''}`, async () => {
    const [q, k, v, , key, value] = operands(3) as [
      HostTensor,
      HostTensor,
      HostTensor,
      HostTensor,
      HostTensor,
      HostTensor,
    ]
    const joined = [key, value].map((past, i) => along(past, [k, v][i]!))
    const values = [q, ...joined, causal(3)]
    closeTo(await evaluate(causalAttention, values, known), plain(operands(3), 3), { atol: 2e-6 })
    await slopesAgree(causalAttention, values, known)
  })

test('the weights of each query sum to one', async () => {
  const run = (...x: Tensor[]): Tensor => {
    const [q, k, v, mask, key, value] = x as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
    return groupedQueryAttention(q, k, v, mask, { key, value }).weights
  }
  const weights = await evaluate(run, operands(3), symbols)
  assert.deepEqual([...weights.shape], [batch, heads, tokens, 3 + tokens])
  for (let i = 0; i < weights.data.length; i += 3 + tokens)
    assert.ok(
      Math.abs([...(weights.data as Float32Array).subarray(i, i + 3 + tokens)].reduce((a, b) => a + b) - 1) <
        1e-5,
    )
})

test('full attention mixes the values by the softmax of scaled scores', async () => {
  const q = f32([1, 1, 1, 1], [1])
  const k = f32([1, 1, 2, 1], [0, Math.log(3)])
  const v = f32([1, 1, 2, 1], [4, 8])
  closeTo(await evaluate(attention, [q, k, v]), f32([1, 1, 1, 1], [7]), { atol: 1e-5 })
  await slopesAgree(attention, [r([1, 2, 3, 4], 1), r([1, 2, 5, 4], 2), r([1, 2, 5, 4], 3)])
})

test('heads are cut from neighbouring channels and put back', async () => {
  const x = f32([1, 2, 4], [0, 1, 2, 3, 4, 5, 6, 7])
  closeTo(
    await evaluate((t) => splitHeads(t, 2), [x], [['B', 'T', 4]]),
    f32([1, 2, 2, 2], [0, 1, 4, 5, 2, 3, 6, 7]),
  )
  closeTo(await evaluate((t) => mergeHeads(splitHeads(t, 2)), [x], [['B', 'T', 4]]), x)
})

async function slopesAgree(
  run: (...x: never[]) => Tensor,
  values: readonly HostTensor[],
  known?: Symbols,
): Promise<void> {
  for (const { place, derived, measured } of await compareSlopes(run as (...x: Tensor[]) => Tensor, values, {
    symbols: known,
  }))
    assert.ok(
      Math.abs(derived - measured) <= 2e-3 + 5e-3 * Math.abs(measured),
      `d/d${place} is ${derived}, measured ${measured}`,
    )
}
