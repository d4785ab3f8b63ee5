import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

/** The house from the ground up: a folder of src imports from those before it, never from one behind it. */
const layers = [
  ...[
    'tensor',
    'checkpoint',
    'hub',
    'graph',
    'runtime',
    'adapters',
    'nn',
    'image',
    'media',
    'tiling',
    'encoders',
    'fusion',
  ],
  ...['projectors', 'text', 'detectors', 'decoders', 'systems', 'generate', 'model', 'data', 'train', 'eval'],
  ...['lab', 'serve', 'jobs', 'cli'],
]

const source = resolve(import.meta.dirname, '../src')
const files = globSync('**/*.ts', { cwd: source }).filter((file) => !file.endsWith('.test.ts'))

/** The place of a file's folder in `layers`; files right below src are the public lists, above all. */
function layerOf(file: string): number {
  const folder = file.split('/')[0]!
  return file.includes('/') ? layers.indexOf(folder) : layers.length
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)
  return [...specifiers].map(([, path]) => relative(source, resolve(source, dirname(file), path!)))
}

test('every folder of src is a layer of the house', () => {
  const unknown = files.filter((file) => layerOf(file) < 0)
  assert.deepEqual(unknown, [])
})

test('layers import downwards only', () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => layerOf(target) > layerOf(file))
      .map((target) => `${file} imports ${target}`),
  )
  assert.deepEqual(upward, [])
})

test('what runs in a browser imports nothing of Node', () => {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const target of importsOf(file)) visit(target)
  }
  visit('index.ts')
  const nodeOnly = [...reached].filter((file) =>
    /(?:from|import)\s*\(?\s*'(?:node:|onnxruntime-node|sharp|koffi)/.test(
      readFileSync(join(source, file), 'utf8'),
    ),
  )
  assert.deepEqual(nodeOnly, [])
})
