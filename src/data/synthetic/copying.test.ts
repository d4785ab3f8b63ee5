import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cellTasks, copyingAt, EMPTY_CELL } from './copying.ts'

test('an exercise asks for the text between its bars, whole or without empty places', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 4, max: 64 }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      (at, longest, gaps) => {
        const [asked, answered] = copyingAt({ seed: 3, longest, gaps }, at)
        const [, text, task] = /^\|(.+)\|\n(.+)$/.exec(asked!.value)!
        assert.ok([...text!].length >= 4 && [...text!].length <= longest)
        const expected = task === cellTasks.every ? text : text!.replaceAll(EMPTY_CELL, '')
        assert.equal(answered!.value, expected)
        assert.notEqual(answered!.value, '')
      },
    ),
  )
})
