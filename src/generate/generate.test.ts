import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeState, fakeState, fakeSystem, type Transition } from '../../tests/fake-system.ts'
import type { RunOptions } from '../systems/system.ts'
import { EngineError } from '../tensor/errors.ts'
import { addedToken, byteFiles, memoryFiles } from '../text/fixtures.test.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { type GeneratedRow, generate, type TextPiece } from './generate.ts'
import type { GenerationOptions } from './options.ts'

/** Ids are bytes; 256 ends a turn. */
const tokenizer = await loadTokenizer(
  memoryFiles(
    byteFiles([], {
      tokenizer_class: 'Qwen2Tokenizer',
      added_tokens_decoder: { 300: addedToken('<|im_end|>') },
      additional_special_tokens: ['<|im_end|>'],
    }),
  ),
)
const END = 300
const V = 301
const system = fakeSystem(tokenizer, { stopIds: [END], stopTexts: ['<stop>'] })

/** Says these ids one after the other, however often it is asked. */
function saying(ids: readonly number[]): Transition {
  return (answer) => {
    const logits = new Float32Array(V)
    logits[ids[answer.length % ids.length]!] = 5
    return logits
  }
}

function sayingText(text: string): Transition {
  return saying([...new TextEncoder().encode(text), END])
}

/** The letters a to h, of which the last one said is the likeliest to follow. */
const babble: Transition = (answer) => {
  const logits = new Float32Array(V).fill(-20)
  for (let letter = 97; letter < 105; letter++) logits[letter] = letter === answer.at(-1) ? 1 : 0
  return logits
}

interface Finished {
  readonly rows: readonly GeneratedRow[]
  readonly pieces: readonly TextPiece[]
}

async function finish(
  state: FakeState,
  options: GenerationOptions = {},
  run: RunOptions = {},
  onPiece?: (piece: TextPiece) => void,
): Promise<Finished> {
  const pieces: TextPiece[] = []
  const answers = generate(system, state, [1, 2, 3], options, run)
  for (;;) {
    const { done, value } = await answers.next()
    if (done) return { rows: value, pieces }
    pieces.push(value)
    onPiece?.(value)
  }
}

/** Checks the promise of every run: a row's pieces are its text. */
async function answersOf(state: FakeState, options?: GenerationOptions): Promise<readonly GeneratedRow[]> {
  const { rows, pieces } = await finish(state, options)
  for (const { row, text } of rows) {
    const joined = pieces.filter((piece) => piece.row === row).map((piece) => piece.text)
    assert.equal(joined.join(''), text)
  }
  return rows
}

test('greedy decoding says the likeliest tokens up to the stop id, which is no text', async () => {
  const [row] = await answersOf(fakeState(sayingText('  Total: 12.40\n')))
  assert.deepEqual(row, {
    row: 0,
    ids: [...new TextEncoder().encode('  Total: 12.40\n'), END],
    text: 'Total: 12.40',
    stopReason: 'stop',
  })
})

test('the last token is not run through the decoder', async () => {
  const state = fakeState(sayingText('ab'))
  await answersOf(state)
  assert.deepEqual(state.steps, [1, 1])
})

test('ends at the token limit', async () => {
  const [row] = await answersOf(fakeState(sayingText('abcdef')), { maxNewTokens: 4 })
  assert.equal(row!.text, 'abcd')
  assert.equal(row!.stopReason, 'length')
})

test('ends before a stop text, its own or the model’s, and shows no beginning of it', async () => {
  const { rows, pieces } = await finish(fakeState(sayingText('one END two')), { stop: ['END'] })
  assert.equal(rows[0]!.text, 'one')
  assert.equal(rows[0]!.stopReason, 'stop')
  assert.equal(pieces.map(({ text }) => text).join(''), 'one')
  const [own] = await answersOf(fakeState(sayingText('x<stop>y')))
  assert.equal(own!.text, 'x')
  const [beginning] = await answersOf(fakeState(sayingText('x<sto')))
  assert.equal(beginning!.text, 'x<sto')
})

test('ends at a stop id of the caller', async () => {
  const [row] = await answersOf(fakeState(sayingText('abcd')), { stopIds: [99] })
  assert.deepEqual(row!.ids, [97, 98, 99])
  assert.equal(row!.text, 'ab')
})

test('pieces never split a grapheme', async () => {
  const text = 'né 👩‍👩‍👧‍👦 🇫🇷e\u0301\u0302!'
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  const whole = new Set([...graphemes.segment(text)].map(({ index }) => index))
  const { rows, pieces } = await finish(fakeState(sayingText(text)))
  assert.equal(rows[0]!.text, text)
  let at = 0
  for (const piece of pieces) {
    assert.ok(whole.has(at), `a piece begins inside the grapheme at ${at}: ${JSON.stringify(piece.text)}`)
    at += piece.text.length
  }
  assert.equal(at, text.length)
})

test('a seed gives the same answers again, and another seed others', async () => {
  const options = { temperature: 1, n: 3, maxNewTokens: 20 }
  const texts = async (seed: number) =>
    (await answersOf(fakeState(babble), { ...options, seed })).map(({ text }) => text)
  const first = await texts(5)
  assert.deepEqual(await texts(5), first)
  assert.notDeepEqual(await texts(6), first)
  assert.equal(new Set(first).size, 3)
})

test('a row says the same however many are drawn beside it', async () => {
  const draw = (n: number) => answersOf(fakeState(babble), { temperature: 1, seed: 9, n, maxNewTokens: 15 })
  const [alone] = await draw(1)
  const four = await draw(4)
  assert.deepEqual(four[0], alone)
  assert.deepEqual((await draw(2))[1], four[1])
})

test('rows that ended cost no more steps', async () => {
  // The first letter decides how long a row talks.
  const lengths: Transition = (answer) => {
    if (answer.length === 0) return babble(answer)
    const logits = new Float32Array(V).fill(-20)
    logits[answer.length > (answer[0]! - 97) % 4 ? END : 120] = 20
    return logits
  }
  const state = fakeState(lengths)
  const rows = await answersOf(state, { temperature: 1, seed: 2, n: 5 })
  const expected = rows.map(({ ids }) => ids.length)
  assert.ok(new Set(expected).size > 1)
  for (const { ids } of rows) assert.equal(ids.length, ((ids[0]! - 97) % 4) + 2)
  for (const [i, rowsInStep] of state.steps.entries())
    assert.equal(rowsInStep, expected.filter((length) => length > i + 1).length)
})

test('the repetition penalty counts the prompt and the answer', async () => {
  const falling: Transition = () => Float32Array.from({ length: V }, (_, id) => 10 - id / 10)
  const [row] = await answersOf(fakeState(falling), { repetitionPenalty: 2, maxNewTokens: 3 })
  // 1, 2, 3 are the prompt; 0 is said first and then penalised, too.
  assert.deepEqual(row!.ids, [0, 4, 5])
})

test('an abort ends the answer before the next step and keeps what it has', async () => {
  const abort = new AbortController()
  const state = fakeState(sayingText('abcdefgh'))
  const { rows, pieces } = await finish(state, {}, { signal: abort.signal }, ({ text }) => {
    if (text === 'b') abort.abort()
  })
  // `b` is released by `c`, which was chosen before the abort.
  assert.equal(rows[0]!.text, 'abc')
  assert.equal(rows[0]!.stopReason, 'aborted')
  assert.equal(pieces.map(({ text }) => text).join(''), 'abc')
  assert.equal(state.steps.length, 2)
})

test('a signal that has fired before costs no token', async () => {
  const state = fakeState(sayingText('abc'))
  const { rows } = await finish(state, {}, { signal: AbortSignal.abort() })
  assert.deepEqual(rows, [{ row: 0, ids: [], text: '', stopReason: 'aborted' }])
  assert.equal(state.steps.length, 0)
})

test('a beam search gives the best answers first, with their scores', async () => {
  const transition: Transition = (answer) => {
    const logits = new Float32Array(V).fill(-20)
    if (answer.length === 0) {
      logits[97] = Math.log(0.5)
      logits[98] = Math.log(0.4)
    } else if (answer.length === 1) {
      logits[END] = Math.log(answer[0] === 97 ? 0.4 : 0.9)
      logits[99] = Math.log(answer[0] === 97 ? 0.6 : 0.1)
    } else logits[END] = 20
    return logits
  }
  const [first, second] = await answersOf(fakeState(transition), { beams: 3, n: 2, lengthPenalty: 0 })
  assert.equal(first!.text, 'b')
  assert.equal(second!.text, 'ac')
  assert.ok(first!.score! > second!.score!)
})

test('progress counts tokens', async () => {
  const done: number[] = []
  const run: RunOptions = { onEvent: (event) => event.phase === 'decoding' && done.push(event.done) }
  await finish(fakeState(sayingText('ab')), {}, run)
  assert.deepEqual(done, [1, 2, 3])
})

test('logits that are not finite stop the run with the number of tokens that were said', async () => {
  const broken: Transition = (answer) =>
    answer.length < 2 ? sayingText('abc')(answer) : new Float32Array(V).fill(Number.NaN)
  await assert.rejects(finish(fakeState(broken)), (error: unknown) => {
    assert.ok(error instanceof EngineError)
    assert.equal(error.code, 'logits-not-finite')
    assert.deepEqual(error.data, { count: V, of: V, tokensDone: 2 })
    return true
  })
})

test('a stop id beyond the vocabulary is refused', async () => {
  await assert.rejects(finish(fakeState(sayingText('a')), { stopIds: [V] }), { code: 'option-value' })
})
