import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { memorySource } from '../checkpoint/memory.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { iou } from '../image/box-nms.ts'
import { type RgbImage, rgbImage } from '../image/rgb-image.ts'
import type { Engine } from '../runtime/engine.ts'
import { nodeEngine } from '../runtime/node-engine.ts'
import type { RunEvent } from '../runtime/run-events.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import type { DetectOptions } from './detect-options.ts'
import { type Detector, openDetector } from './detector.ts'
import { owlv2Files, tinyOwlv2 } from './owlv2-fixture.test.ts'

/** An engine that counts the runs of vision programs: those that read pixels or what lies between layers. */
function counting(): { engine: Engine; runs: () => number } {
  let count = 0
  const engine: Engine = {
    ...nodeEngine,
    async open(...args) {
      const session = await nodeEngine.open(...args)
      return {
        ...session,
        run(feeds, fetch) {
          if ('x' in feeds) count++
          return session.run(feeds, fetch)
        },
      }
    },
  }
  return { engine, runs: () => count }
}

async function open(
  files: ReadonlyMap<string, Uint8Array> = owlv2Files(),
  engine: Engine = nodeEngine,
  store?: TensorStore,
): Promise<Detector> {
  const source = memorySource('tiny', files)
  const config: unknown = JSON.parse(new TextDecoder().decode(await source.read('config.json')))
  const options = { compile: { engine, device: 'cpu', threads: 1 } as const, store }
  return openDetector({ source, checkpoint: await openCheckpoint(source), config }, options)
}

function noise(width: number, height: number, seed = 1): RgbImage {
  const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 31 + i * seed * 7) % 256)
  return rgbImage(width, height, bytes)
}

const labels = ['sign', 'red car', 'tree', 'lamp', 'cat', 'dog']
const everything: DetectOptions = { threshold: 0 }

describe('a detector', async () => {
  const { engine, runs } = counting()
  const detector = await open(owlv2Files(), engine)
  const wide = noise(60, 30)

  test('gives every patch its best label, and boxes in pixels of the padded picture', async () => {
    const { detections, surest, seconds } = await detector.detect(wide, labels, everything)
    assert.equal(detections.length, 16)
    assert.ok(detections.some(({ label }) => label !== detections[0]!.label))
    assert.equal(surest.score, Math.max(...detections.map(({ score }) => score)))
    for (const { box } of detections) {
      // The square has the longer side; the centre of each box lies in it.
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
      assert.ok(x > 0 && x < 60 && y > 0 && y < 60)
    }
    assert.ok(detections.some(({ box }) => box[3] > 30))
    assert.ok(seconds.encode > 0)
  })

  test('gives what scores above the threshold, in the order of the patches', async () => {
    const all = (await detector.detect(wide, labels, everything)).detections
    const scores = all.map(({ score }) => score).sort((a, b) => a - b)
    const threshold = scores[7]!
    const { detections } = await detector.detect(wide, labels, { threshold })
    assert.deepEqual(
      detections,
      all.filter(({ score }) => score > threshold),
    )
    const none = await detector.detect(wide, labels, { threshold: 1 })
    assert.deepEqual(none.detections, [])
    assert.ok(none.surest.score > 0)
  })

  test('looks at a picture once, whatever is asked about it', async () => {
    const picture = noise(20, 40, 5)
    const before = runs()
    await detector.detect(picture, ['cat'])
    assert.equal(runs() - before, 2) // five layers in two pieces
    await detector.detect(noise(20, 40, 5), ['dog', 'lamp'], { prompt: 'a photo of {label}' })
    assert.equal(runs() - before, 2)
    await Promise.all([detector.detect(noise(8, 8), ['cat']), detector.detect(noise(8, 8), ['dog'])])
    assert.equal(runs() - before, 4)
  })

  test('a label scores the same in any company', async () => {
    const scoresOf = async (names: string[]) =>
      (await detector.detect(wide, names, everything)).detections.filter(({ label }) => label === 'red car')
    const alone = new Map((await scoresOf(['red car'])).map(({ box, score }) => [box.join(), score]))
    const together = await scoresOf(labels)
    assert.ok(together.length > 0)
    for (const { box, score } of together) assert.ok(Math.abs(alone.get(box.join())! - score) < 1e-6)
  })

  test('leaves out boxes that overlap a surer one of their label', async () => {
    const { detections } = await detector.detect(wide, ['cat'], { ...everything, overlap: 0.2 })
    assert.ok(detections.length < 16)
    for (const [i, a] of detections.entries())
      for (const b of detections.slice(i + 1)) assert.ok(iou(a.box, b.box) <= 0.2)
  })

  test('finds what looks like another picture, in both directions', async () => {
    const { detections, surest } = await detector.detectSimilar(wide, noise(16, 16, 9), { threshold: 0 })
    assert.ok(detections.length > 0)
    assert.ok(detections.every(({ label, score }) => label === 'similar' && score > 0.1 * surest.score))
    // A picture's own patch is the best match for the query that was taken from it.
    const own = await detector.detectSimilar(wide, wide, { threshold: 0, overlap: 1, label: 'itself' })
    assert.equal(own.surest.label, 'itself')
  })

  test('tells how far it is, and stops between layers', async () => {
    const events: RunEvent[] = []
    const controller = new AbortController()
    const run = detector.detect(noise(9, 9), ['cat'], {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.phase === 'notice') return
        events.push(event)
        if (event.phase === 'detecting') controller.abort()
      },
    })
    await assert.rejects(run, { code: 'aborted' })
    assert.deepEqual(
      events.map(({ phase, done, total }) => [phase, done, total]),
      [
        ['preparing', 0, 1],
        ['detecting', 0, 5],
      ],
    )
    // Nothing half done is kept.
    assert.equal((await detector.detect(noise(9, 9), ['cat'], everything)).detections.length, 16)
  })

  test('one who is stopped does not stop another who waits for the same picture', async () => {
    const controller = new AbortController()
    const picture = noise(10, 9)
    const stopped = detector.detect(picture, ['cat'], {
      signal: controller.signal,
      onEvent: () => controller.abort(),
    })
    const waiting = detector.detect(picture, ['dog'], everything)
    await assert.rejects(stopped, { code: 'aborted' })
    assert.equal((await waiting).detections.length, 16)
  })

  for (const [what, ask, code] of [
    ['no label', () => detector.detect(wide, []), 'labels-missing'],
    ['an empty label', () => detector.detect(wide, ['cat', '']), 'label-empty'],
    ['a label of 300 characters', () => detector.detect(wide, ['cat', 'ab '.repeat(100)]), 'label-too-long'],
    ['a threshold of 2', () => detector.detect(wide, ['cat'], { threshold: 2 }), 'option-value'],
    [
      'a threshold that is no number',
      () => detector.detect(wide, ['cat'], { threshold: NaN }),
      'option-value',
    ],
    [
      'a prompt without its label',
      () => detector.detect(wide, ['cat'], { prompt: 'a photo' }),
      'option-value',
    ],
  ] as const)
    test(`refuses ${what}`, () => assert.rejects(ask(), { name: 'InputError', code }))

  test('reads the first words of a label of 300 characters where it is asked to', async () => {
    const long = 'ab '.repeat(100)
    const { detections } = await detector.detect(wide, [long], { ...everything, longLabels: 'cut' })
    assert.equal(detections[0]!.label, long.trim())
  })
})

describe('a checkpoint that cannot be used', () => {
  const withFile = (name: string, value: unknown) =>
    new Map([...owlv2Files(), [name, new TextEncoder().encode(JSON.stringify(value))] as const])

  for (const [what, files, code, message] of [
    [
      'of another architecture',
      withFile('config.json', { ...tinyOwlv2, architectures: ['OwlViTForObjectDetection'] }),
      'unknown-architecture',
      /'OwlViTForObjectDetection'.* Owlv2ForObjectDetection/,
    ],
    ['without an architecture', withFile('config.json', []), 'unknown-architecture', /''/],
    [
      'whose towers do not meet',
      withFile('config.json', { ...tinyOwlv2, projection_dim: 8 }),
      'config-invalid',
      /projection_dim: it must equal/,
    ],
    [
      'of other sizes than its weights',
      withFile('config.json', {
        ...tinyOwlv2,
        vision_config: { ...tinyOwlv2.vision_config, patch_size: 16 },
      }),
      'weights-do-not-fit',
      /patch_embedding/,
    ],
    [
      'whose pictures have another size',
      withFile('preprocessor_config.json', { size: { width: 48, height: 48 } }),
      'picture-size',
      /48×48.* 32×32/,
    ],
    [
      'whose pictures are not padded',
      withFile('preprocessor_config.json', { do_pad: false }),
      'config-invalid',
      /do_pad: only true/,
    ],
  ] as const)
    test(what, () =>
      assert.rejects(open(files), (error: Error & { code?: string }) => {
        assert.equal(error.code, code)
        assert.match(error.message, message)
        return true
      }),
    )
})

test('looks at a picture once for all time where there is a store', async () => {
  const { engine, runs } = counting()
  const kept = new Map<string, HostTensor<'f32'>>()
  const store: TensorStore = {
    load: async (key) => kept.get(key),
    save: async (key, tensor) => void kept.set(key, tensor),
  }
  const ask = async () => (await open(owlv2Files(), engine, store)).detect(noise(30, 20), labels, everything)
  const { detections } = await ask()
  assert.deepEqual((await ask()).detections, detections)
  assert.equal(runs(), 2)
  // What another model left there is not taken for this one's.
  for (const key of kept.keys()) kept.set(key, f32([16, 9], Array(144).fill(0)))
  assert.deepEqual((await ask()).detections, detections)
  assert.equal(runs(), 4)
})

test('refuses a padding that is no grey', async () => {
  const source = memorySource('tiny', owlv2Files())
  const files = { source, checkpoint: await openCheckpoint(source), config: tinyOwlv2 }
  const compile = { engine: nodeEngine, device: 'cpu' } as const
  await assert.rejects(openDetector(files, { compile, padding: 128 }), { code: 'option-value' })
})

test('says that weights are no numbers', async () => {
  const files = owlv2Files()
  const broken = files.get('model.safetensors')!.slice().fill(255, -70_000)
  const detector = await open(new Map([...files, ['model.safetensors', broken]]))
  await assert.rejects(detector.detect(noise(8, 8), ['cat']), { code: 'scores-not-finite' })
})

test('tests/fixtures/owlv2 holds the tiny model', async () => {
  const folder = resolve(import.meta.dirname, '../../tests/fixtures/owlv2')
  for (const [name, bytes] of owlv2Files())
    assert.deepEqual(new Uint8Array(await readFile(join(folder, name))), bytes, name)
})
