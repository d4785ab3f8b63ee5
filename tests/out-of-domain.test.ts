import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { OutOfDomainRecord } from '../bench/embedded/sets.ts'
import { isAnswer } from '../bench/out-of-domain/layer.ts'
import { manQuestions } from '../bench/out-of-domain/man-questions.ts'
import { pictureName, sources } from '../bench/out-of-domain/sources.ts'
import { blindScore } from '../src/data/synthetic/blind.ts'

const file = new URL('../bench/out-of-domain/questions.json', import.meta.url)
const records = JSON.parse(readFileSync(file, 'utf8')) as readonly OutOfDomainRecord[]
const questions = records.flatMap((record) => record.questions)

test('the out-of-domain set asks about sixty pictures and more, twenty of each sort', () => {
  const names = sources.map((source) => `images/${pictureName(source)}`)
  assert.deepEqual(
    records.map(({ image }) => image),
    names,
  )
  for (const sort of ['pdf', 'man', 'web']) {
    const own = records.filter(({ image }) => image.startsWith(`images/${sort}-`))
    assert.ok(own.filter((record) => record.questions.length > 0).length >= 20, sort)
  }
})

test('its answers are short and of signs that every keyboard has', () => {
  for (const { question, answer } of questions) assert.ok(isAnswer(answer, 80), `${question} ${answer}`)
})

test('who does not see its pictures answers hardly any of its questions', () => {
  assert.ok(blindScore(questions) < 0.05)
})

test('a manual page is asked about what its screen shows whole', () => {
  const screen = [
    'LIST(1)           User Commands           LIST(1)',
    '',
    'NAME',
    '       list - show the contents of folders',
    '',
    'SYNOPSIS',
    '       list [OPTION]... [FOLDER]...',
    '',
    'DESCRIPTION',
    '       -a, --all',
    '              do not leave out hidden',
    '              entries',
    '',
    '       -x     sort by lines',
    '',
    '       -z, --zero',
    '              end each line with NUL, which goes on',
    ' Manual page list(1) line 1 (press h for help or q to quit)',
  ]
  const asked = manQuestions(screen, screen.join(' ').replace(/\s+/g, ' '))
  const answerOf = (question: string) => asked.find((other) => other.question === question)?.answer
  assert.equal(answerOf('What stands at the top left of the screen?'), 'LIST(1)')
  assert.equal(answerOf('What does list do, by the line below NAME?'), 'show the contents of folders')
  assert.equal(answerOf('What does the line below SYNOPSIS say?'), 'list [OPTION]... [FOLDER]...')
  assert.equal(answerOf('What is the long form of -a?'), '--all')
  assert.equal(answerOf('What does the option -a do?'), 'do not leave out hidden entries')
  assert.equal(answerOf('What does the option -x do?'), 'sort by lines')
  // What it does may go on below the screen.
  assert.equal(answerOf('What does the option -z do?'), undefined)
  assert.equal(answerOf('Which word follows "hidden"?'), 'entries')
})
