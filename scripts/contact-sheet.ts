// `node scripts/contact-sheet.ts OUT.jpg KIND… [--seed N] [--boxes]`: one row of pictures a kind, to look at what is made.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createCanvas } from '@napi-rs/canvas'
import { type Kind, kindNames } from '../src/data/synthetic/kinds.ts'
import { syntheticSample } from '../src/data/synthetic/sample.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    columns: { type: 'string', default: '6' },
    side: { type: 'string', default: '300' },
    fonts: { type: 'string', default: 'training' },
    boxes: { type: 'boolean', default: false },
  },
})
const [out, ...named] = positionals
if (out === undefined) throw new Error('Name the JPEG to write.')
const kinds = (named.length > 0 ? named : kindNames) as Kind[]
const [seed, columns, side] = [Number(values.seed), Number(values.columns), Number(values.side)]
const sheet = createCanvas(columns * side, kinds.length * side)
const ctx = sheet.getContext('2d')
ctx.fillStyle = '#6a6a6a'
ctx.fillRect(0, 0, sheet.width, sheet.height)
ctx.strokeStyle = '#e01b24'
ctx.lineWidth = 1.5
for (const [row, kind] of kinds.entries())
  for (let index = 0; index < columns; index++) {
    const fonts = values.fonts === 'held-out' ? 'held-out' : 'training'
    const { picture, width, height, questions } = syntheticSample({ kind, seed, index, fonts })
    const scale = (side - 8) / Math.max(width, height)
    const x = index * side + (side - width * scale) / 2
    const y = row * side + (side - height * scale) / 2
    ctx.drawImage(picture().canvas, x, y, width * scale, height * scale)
    for (const { boxes } of values.boxes ? questions : [])
      for (const [left, top, right, bottom] of boxes)
        ctx.strokeRect(x + left * scale, y + top * scale, (right - left) * scale, (bottom - top) * scale)
  }
await writeFile(out, await sheet.encode('jpeg', 82))
