import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  fakeTorchFile,
  pickleCall,
  pickleFile,
  pickleGlobal,
  pickleText,
} from '../src/checkpoint/fake-torch.ts'
import { commands } from '../src/cli/commands.ts'

// The command as a person runs it: real processes, real files.

const root = resolve(import.meta.dirname, '..')
const bin = join(root, 'bin/panoptes.js')
const model = join(root, 'tests/fixtures/mini-monkey')
const receipt = join(root, 'examples/receipt.jpg')
const folder = await mkdtemp(join(tmpdir(), 'panoptes-cli-'))
after(() => rm(folder, { recursive: true }))
const cache = join(folder, 'cache')

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function panoptes(...words: string[]): Outcome {
  const env = {
    ...process.env,
    HF_HOME: join(folder, 'hub'),
    PANOPTES_MODEL: '',
    PANOPTES_CACHE: cache,
  }
  return spawnSync(process.execPath, [bin, ...words], { cwd: root, encoding: 'utf8', env })
}

function ask(...words: string[]): Outcome {
  return panoptes('ask', ...words, '--model', model, '--max-new-tokens', '3')
}

/** Asserts one line of error, without a stack, and an exit status other than 0. */
function fails(outcome: Outcome, message: RegExp, status = 1): void {
  const errors = outcome.stderr.split('\n').filter((line) => line.startsWith('panoptes: '))
  assert.equal(outcome.status, status, outcome.stderr)
  assert.equal(errors.length, 1, outcome.stderr)
  assert.match(errors[0]!, message)
  assert.doesNotMatch(outcome.stderr, /\n\s+at |unexpected;/)
  assert.equal(outcome.stdout, '')
}

describe('ask', () => {
  test('writes the answer to stdout and everything else to stderr', () => {
    const { status, stdout, stderr } = ask(receipt, 'What is the total?')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^.+\n$/)
    for (const told of ['loading', 'encoding 19 tiles', 'prefill', 'detailed', 'answer tokens'])
      assert.match(stderr, new RegExp(told))
  })

  test('--json has the answer, token counts, timings and what each tile covers', () => {
    const { stdout } = ask(receipt, 'What is it?', '--json', '--compress')
    const report = JSON.parse(stdout)
    assert.equal(report.tokens.visual, 76)
    assert.equal(report.tokens.decoder, report.tokens.prompt - 24 - 1)
    assert.equal(report.pictures[0].tiles.length, 19)
    assert.deepEqual(report.pictures[0].original, { width: 1200, height: 1600 })
    assert.ok(report.seconds.prefill > 0)
  })

  test('--precision quantises the weights once, into the cache folder', async () => {
    const files = () => readdir(join(cache, 'weights'))
    for (const precision of ['int8', 'int4']) {
      const answer = () => ask(receipt, 'What is the total?', '--precision', precision, '--tiling', 'single')
      const first = answer()
      assert.equal(first.status, 0, first.stderr)
      const made = await files()
      assert.ok(made.some((name) => name.includes(precision)))
      assert.equal(answer().stdout, first.stdout)
      assert.deepEqual(await files(), made)
    }
  })

  test('a question of 20,000 letters is one as any other', () => {
    const { status, stderr } = ask('a'.repeat(20_000))
    assert.equal(status, 0, stderr.slice(-500))
  })

  test('a seed repeats what is drawn', () => {
    const draw = () => ask(receipt, 'Read.', '--temperature', '2', '--seed', '7', '--quiet')
    const { stdout, stderr } = draw()
    assert.equal(draw().stdout, stdout)
    assert.equal(stderr, '')
  })
})

describe('tag', () => {
  const ram = join(root, 'tests/fixtures/ram')
  const picture = join(root, 'examples/street-sign.jpg')

  test('writes the most probable tag first, and progress to stderr', () => {
    const { status, stdout, stderr } = panoptes('tag', picture, '--model', ram)
    assert.equal(status, 0, stderr)
    const lines = stdout.trimEnd().split('\n')
    const scores = lines.map((line) => Number(/^\S.* (0\.\d{3})$/.exec(line)?.[1]))
    assert.ok(scores.length > 1 && scores.every((score, i) => score <= (scores[i - 1] ?? 1)), stdout)
    assert.match(stderr, /loading image encoder\n(.*\n)*tagging: 24 tags/)
  })
  test('says what is most probable where no tag lies above its threshold', () => {
    const { status, stdout, stderr } = panoptes('tag', picture, '--model', ram, '--threshold', '1')
    assert.deepEqual([status, stdout], [0, ''])
    assert.match(stderr, /no tag lies above its threshold; the most probable is \S/)
  })
  test('a checkpoint without the names of its tags', async () => {
    const pth = join(folder, 'ram.pth')
    await cp(join(ram, 'ram_plus_tiny.pth'), pth)
    fails(
      panoptes('tag', picture, '--model', pth),
      /There is no ram_tag_list\.txt in \S+ or \S+panoptes\S*ram\. /,
    )
    const list = join(ram, 'ram_tag_list.txt')
    const named = panoptes('tag', picture, '--model', pth, '--tag-list', list, '--json')
    assert.deepEqual(JSON.parse(named.stdout).tags, [])
    assert.match(named.stderr, /every tag has the threshold 0\.68/)
  })
  test('tags of one’s own, described or not', async () => {
    const file = join(folder, 'descriptions.json')
    await writeFile(file, '{ "cat": ["soft", "furry"], "sign": ["green", "white letters"] }')
    const clip = ['--text-model', join(root, 'tests/fixtures/clip'), '--threshold', '0', '--json']
    const { stdout } = panoptes('tag', picture, '--model', ram, '--descriptions', file, ...clip)
    assert.equal(JSON.parse(stdout).text, 'cat | sign')
    const own = (...words: string[]) => panoptes('tag', picture, '--model', ram, ...words)
    fails(own('--open-tags', 'fox', '--only', 'sky'), /belong to the checkpoint’s own list/, 2)
    fails(own('--open-tags', 'fox', '--descriptions', file), /exclude each other/, 2)
    await writeFile(file, '{ "cat": "soft" }')
    fails(own('--descriptions', file, ...clip), /descriptions\.json must be \{ "tag": /)
  })
  test('a model of another kind, and none', () => {
    fails(panoptes('tag', picture, '--model', model), /has no weight visual_encoder/)
    fails(panoptes('tag', picture), /--model with a RAM or RAM\+\+ checkpoint/, 2)
  })
})

describe('detect', () => {
  const owlv2 = join(root, 'tests/fixtures/owlv2')
  const picture = join(root, 'examples/street-sign.jpg')
  const detect = (...words: string[]) => panoptes('detect', picture, '--model', owlv2, ...words)

  test('writes the surest box first, progress to stderr, and draws the boxes', async () => {
    const out = join(folder, 'boxes.png')
    const { status, stdout, stderr } = detect('--labels', 'sign, red car', '--out', out)
    assert.equal(status, 0, stderr)
    const [heading, ...lines] = stdout.trimEnd().split('\n')
    assert.match(heading!, /^LABEL +SCORE +LEFT +TOP +RIGHT +BOTTOM$/)
    assert.equal(lines.pop(), `drawn to ${out}`)
    const scores = lines.map((line) => Number(/^(?:sign|red car) +(0\.\d{3})(?: +-?\d+){4}$/.exec(line)?.[1]))
    assert.ok(scores.length > 1 && scores.every((score, i) => score <= (scores[i - 1] ?? 1)), stdout)
    assert.match(stderr, /loading detector\n(.*\n)*detecting: 5 layers/)
    assert.deepEqual([...(await readFile(out)).subarray(1, 4)], [...Buffer.from('PNG')])
  })
  test('--json has boxes, labels, scores and timings; --nms leaves out what overlaps', () => {
    const ask = ['--labels', 'sign', '--threshold', '0', '--json', '--quiet']
    const all = JSON.parse(detect(...ask).stdout)
    const fewer = JSON.parse(detect(...ask, '--nms', '0.1').stdout)
    assert.equal(all.detections.length, 16)
    assert.ok(fewer.detections.length < 16)
    assert.ok(all.seconds.encode > 0)
    for (const { box, label } of all.detections) assert.deepEqual([label, box.length], ['sign', 4])
  })
  test('--visual-cache looks at a picture once for all time', () => {
    const ask = (label: string) => detect('--labels', label, '--visual-cache', join(folder, 'seen'))
    assert.match(ask('sign').stderr, /detecting/)
    const again = ask('red car')
    assert.match(again.stdout, /red car/)
    assert.doesNotMatch(again.stderr, /detecting/)
  })
  test('looks for what another picture shows', () => {
    const { stdout } = detect('--query-image', receipt, '--threshold', '0.2', '--json')
    assert.equal(JSON.parse(stdout).detections[0].label, 'like receipt.jpg')
  })
  test('says what is surest where no box lies above the threshold', () => {
    const { status, stdout, stderr } = detect('--labels', 'sign', '--threshold', '1')
    assert.deepEqual([status, stdout], [0, ''])
    assert.match(stderr, /no box lies above the threshold; the surest is sign \(0\.\d+\)/)
  })
  for (const [what, words, message, status] of [
    ['no labels', [], /Nothing is named to look for/, 2],
    ['labels that are blank', ['--labels', ' '], /Nothing is named to look for/, 2],
    ['an empty label', ['--labels', 'cat,,dog'], /Label 2 of --labels "cat,,dog" is empty/, 2],
    ['labels and a query picture', ['--labels', 'cat', '--query-image', receipt], /exclude each other/, 2],
    [
      'a label of 300 characters',
      ['--labels', `sign, ${'very long '.repeat(30)}`],
      /'very long .*…' \(299 characters\) has \d+ tokens, but the detector reads at most 14\..*--long-labels cut/,
      1,
    ],
    ['a query picture that is missing', ['--query-image', 'none.png'], /none\.png does not exist/, 1],
    ['a prompt without its label', ['--labels', 'cat', '--prompt', 'a photo'], /Write \{label\}/, 2],
  ] as const)
    test(what, () => fails(detect(...words), message, status))
  test('a model of another kind, and none', () => {
    fails(
      panoptes('detect', picture, '--labels', 'cat', '--model', model),
      /names the architecture 'MiniMonkeyChatModel', but a detector must be one of Owlv2ForObjectDetection/,
    )
    fails(panoptes('detect', picture, '--labels', 'cat'), /--model with an OWLv2 checkpoint/, 2)
  })
})

test('cache tells what is kept, and gives it up', async () => {
  await mkdir(join(cache, 'weights'), { recursive: true })
  await writeFile(join(cache, 'weights', 'w.safetensors'), new Uint8Array(1000))
  const { files, sizeBytes } = JSON.parse(panoptes('cache', '--json').stdout)
  assert.ok(files >= 1 && sizeBytes >= 1000)
  const { status, stdout } = panoptes('cache', '--clear')
  assert.equal(status, 0)
  assert.match(stdout, /^removed \d+ weights? \(.+\)\n.*: 0 weights, 0 B; limit 20 GB\n$/)
})

describe('every example of the help runs as it stands', async () => {
  for (const entry of Object.values(commands)) {
    const command = await entry.load()
    // What is downloaded is tested against a hub on this machine.
    if (command.name === 'pull') continue
    for (const line of command.examples)
      test(line, () => {
        if (!line.startsWith('panoptes ')) return assert.fail('an example begins with panoptes')
        const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!)
        // What an example writes goes where nothing is left of it for the next run.
        const moved = words.map((word, i) => (words[i - 1] === '--out' ? join(folder, word) : word))
        const { status, stderr } = panoptes(...moved.slice(1))
        assert.equal(status, 0, stderr)
      })
  }
})

describe('pictures that are none', async () => {
  const file = async (name: string, content: Uint8Array | string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  const header = (width: number, height: number): Buffer => {
    const bytes = Buffer.alloc(33)
    bytes.write('\x89PNG\r\n\x1a\n', 'latin1')
    bytes.writeUInt32BE(13, 8)
    bytes.write('IHDR', 12, 'latin1')
    bytes.writeUInt32BE(width, 16)
    bytes.writeUInt32BE(height, 20)
    bytes.set([8, 2, 0, 0, 0], 24)
    return bytes
  }
  const jpeg = await readFile(receipt)
  const one = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'

  test('a missing file', () => fails(ask(join(folder, 'none.jpg'), 'What?'), /none\.jpg does not exist/))
  test('a pipe, which may never end', () => {
    const pipe = join(folder, 'pipe.png')
    spawnSync('mkfifo', [pipe])
    fails(ask(pipe, 'What?'), /pipe\.png is not a file but a pipe/)
  })
  test('a truncated JPEG', async () =>
    fails(ask(await file('cut.jpg', jpeg.subarray(0, 20_000)), 'What?'), /cut\.jpg ends too early/))
  test('a PNG that says 60,000 × 60,000', async () =>
    fails(ask(await file('bomb.png', header(60_000, 60_000)), 'What?'), /60000 × 60000.*limit/))
  test('text under the name of a PNG', async () =>
    fails(ask(await file('text.png', 'hello'), 'What?'), /looks like text/))
  test('a picture of one pixel works', async () => {
    const { status, stderr } = ask(await file('one.png', Buffer.from(one, 'base64')), 'What?')
    assert.equal(status, 0, stderr)
  })
})

describe('wrong usage exits with 2 and says what to do', () => {
  test('an empty question', () => fails(ask(receipt, ' '), /question is empty/, 2))
  test('no question', () => fails(ask(receipt), /There is no question/, 2))
  test('an unknown flag', () => fails(ask(receipt, 'What?', '--sed', '1'), /unknown option '--sed'/, 2))
  test('a folder for visual tokens that cannot be made', () =>
    fails(ask(receipt, 'What?', '--visual-cache', '/proc/none'), /\/proc\/none/))
  test('no model', () => fails(panoptes('ask', receipt, 'What?'), /No model is named/, 2))
  test('an option without effect under greedy decoding, before anything is loaded', () => {
    const outcome = ask(receipt, 'What?', '--top-p', '0.5')
    fails(outcome, /--top-p has no effect under greedy decoding/, 2)
    assert.doesNotMatch(outcome.stderr, /loading/)
  })
  test('compression in a system without it', () =>
    fails(ask(receipt, 'What?', '--as', 'internvl2', '--compress'), /Compression.*the model is internvl2/, 2))
  test('compression in a tiling without detailed tiles, before a tile is encoded', () => {
    const outcome = ask(receipt, 'What?', '--tiling', 'dynamic', '--compress')
    fails(outcome, /Compression drops tokens of the detailed tiles/, 2)
    assert.doesNotMatch(outcome.stderr, /encoding/)
  })
  test('looks without a picture, objects for a model that is told of none', () => {
    fails(ask('What?', '--compress'), /--compress has no effect without a picture/, 2)
    fails(ask('What?', '--max-tiles', '3'), /--max-tiles has no effect without a picture/, 2)
    fails(ask(receipt, 'What?', '--no-boxes'), /--no-boxes.* no effect for mini-monkey/, 2)
  })
  test('a picture name in place of a question', () => fails(ask('none.jpg'), /There is no question/, 2))
  test('an option of another tiling', () =>
    fails(ask(receipt, 'What?', '--stride', '9'), /msac tiling has no option --stride/, 2))
})

describe('checkpoints that are broken', () => {
  /** A copy of the fixture, changed. */
  async function changed(
    name: string,
    change: (path: (file: string) => string) => Promise<void>,
  ): Promise<string> {
    const copy = join(folder, name)
    await cp(model, copy, { recursive: true })
    await change((file) => join(copy, file))
    return copy
  }
  const asked = (path: string): Outcome =>
    panoptes('ask', receipt, 'What?', '--model', path, '--max-new-tokens', '2')
  const headerOf = (file: Buffer): Record<string, { shape: number[]; data_offsets: [number, number] }> =>
    JSON.parse(file.toString('utf8', 8, 8 + Number(file.readBigUInt64LE(0))))

  test('a shard is missing', async () => {
    const path = await changed('shard', async (file) => {
      const keys = Object.keys(headerOf(await readFile(file('model.safetensors'))))
      const weightMap = Object.fromEntries(
        keys.map((key, i) => [key, `model-0000${1 + (i % 2)}-of-00002.safetensors`]),
      )
      await writeFile(file('model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }))
      await cp(file('model.safetensors'), file('model-00001-of-00002.safetensors'))
    })
    fails(asked(path), /model-00002-of-00002\.safetensors/)
  })
  test('a header is longer than its file', async () => {
    const path = await changed('header', async (file) => {
      const bytes = await readFile(file('model.safetensors'))
      bytes.writeBigUInt64LE(BigInt(bytes.length + 1), 0)
      await writeFile(file('model.safetensors'), bytes)
    })
    fails(asked(path), /header/)
  })
  test('two tensors overlap', async () => {
    const path = await changed('overlap', async (file) => {
      const bytes = await readFile(file('model.safetensors'))
      const size = Number(bytes.readBigUInt64LE(0))
      const header = headerOf(bytes)
      const [first, second] = Object.values(header).filter((entry) => entry.shape?.length === 2)
      second!.data_offsets = [
        first!.data_offsets[0],
        first!.data_offsets[0] + second!.data_offsets[1] - second!.data_offsets[0],
      ]
      bytes.write(JSON.stringify(header).padEnd(size), 8)
      await writeFile(file('model.safetensors'), bytes)
    })
    fails(asked(path), /overlap/)
  })
  test('a pickle names os.system', async () => {
    const path = await changed('pickle', async (file) => {
      await rm(file('model.safetensors'))
      const call = pickleCall(pickleGlobal('os', 'system'), pickleText('touch /tmp/panoptes-was-here'))
      await writeFile(file('pytorch_model.bin'), fakeTorchFile(pickleFile(call), {}))
    })
    fails(asked(path), /os\.system/)
  })
  test('an unknown architecture lists the known ones', async () => {
    const path = await changed('architecture', async (file) => {
      await writeFile(file('config.json'), JSON.stringify({ architectures: ['GpuMonkey'] }))
    })
    fails(asked(path), /GpuMonkey.*InternVLChatModel.*MiniMonkeyChatModel/)
  })
  test('a NaN weight is told, with its name', async () => {
    const path = await changed('nan', async (file) => {
      const bytes = await readFile(file('model.safetensors'))
      const size = Number(bytes.readBigUInt64LE(0))
      const entry = headerOf(bytes)['language_model.model.tok_embeddings.weight']!
      bytes.writeFloatLE(Number.NaN, 8 + size + entry.data_offsets[1] - 4)
      await writeFile(file('model.safetensors'), bytes)
    })
    const { status, stderr } = asked(path)
    assert.equal(status, 0, stderr)
    assert.match(stderr, /panoptes: language_model\.model\.tok_embeddings\.weight of .* NaN/)
  })
})

describe('Ctrl-C stops in every phase', () => {
  const manyTiles = ['--tiling', 'dynamic', '--min-tiles', '600', '--max-tiles', '600']
  for (const phase of ['loading', 'encoding', 'prefill', 'decoding'])
    test(phase, async () => {
      const words = ['ask', receipt, 'What?', '--model', model, '--max-new-tokens', '4000', ...manyTiles]
      const child = spawn(process.execPath, [bin, ...words], { cwd: root })
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        const isNew = !stderr.includes(phase)
        stderr += text
        if (isNew && stderr.includes(phase)) child.kill('SIGINT')
      })
      child.stdout.resume()
      const status = await new Promise((done) => child.on('close', done))
      assert.equal(status, 130, stderr)
      assert.match(stderr, /panoptes: .*[Ss]topped/)
      assert.doesNotMatch(stderr, /\n\s+at /)
    })
})
