import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsRead } from './words-read.ts'

test('a word that is left out, made up or misread costs no other word', () => {
  const written = ['apple', 'Green', '12.50', 'apple']
  const read = (answer: string) => wordsRead(written, answer).map(Number).join('')
  assert.equal(read('apple Green 12.50 apple'), '1111')
  assert.equal(read(' apple\n12.50 apple'), '1011')
  assert.equal(read('apple oh green 12.50 apple'), '1011')
  assert.equal(read('Green apple'), '0101')
  assert.equal(read(''), '0000')
})
