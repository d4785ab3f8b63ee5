import { defineCommand } from './command.ts'
import { checkDrawingPath, writeDrawing } from './drawing-file.ts'
import { flag, text, wholeNumber } from './option.ts'
import { inFlagWords } from './option-errors.ts'
import { planReport, planText } from './plan-report.ts'
import { statusLine } from './status-line.ts'
import { presetPicture, strategyOption, tilingFlags, tilingOptions } from './tiling-options.ts'
import { printable } from './words.ts'

export const tile = defineCommand({
  name: 'tile',
  description:
    'Shows how a picture is cut into tiles before a model sees it: a short report, or every tile with the ' +
    'part of the picture that it covers (--json). With --out also a drawing. Needs no model.',
  usage: 'IMAGE [--strategy NAME] [--out PNG] [options]',
  positionals: [{ name: 'IMAGE', help: 'a picture file' }],
  options: {
    strategy: strategyOption('how it is cut (default dynamic)'),
    out: text('PNG', 'draw the picture with its tiles into this file'),
    tileSize: wholeNumber('N', 'side of a tile in pixels (default 448; square and anyres 336)', 1, 16_384),
    tokensPerTile: wholeNumber(
      'N',
      'visual tokens of one tile (default (side/28)²; square and anyres (side/14)²)',
    ),
    json: flag('print the plan as JSON'),
    quiet: flag('no hints'),
    ...tilingFlags,
  },
  examples: [
    'panoptes tile examples/receipt.jpg',
    'panoptes tile examples/receipt.jpg --strategy msac --preset vlmevalkit:DocVQA --out tiles.png',
    'panoptes tile examples/receipt.jpg --strategy overlapping --stride 224 --json',
    'panoptes tile examples/street-sign.jpg --strategy anyres',
  ],
  async run({ words, options }) {
    const path = words[0]!
    const { strategy = 'dynamic', out } = options
    if (out !== undefined) checkDrawingPath(out, path)
    const tiling = tilingOptions(strategy, options, options.tileSize)

    const [{ decodeImage }, { decodeLosses }, { planTiles }, { usualTokensPerTile }] = await Promise.all([
      import('../image/decode.ts'),
      import('../image/decode-losses.ts'),
      import('../tiling/tiling.ts'),
      import('../tiling/plan.ts'),
    ])
    // Options first: with a wrong one, nobody waits for a large picture to be decoded.
    await inFlagWords(() => planTiles({ width: 1, height: 1 }, tiling))
    const decoded = await decodeImage(path)
    const status = statusLine(process.stderr, options.quiet)
    for (const loss of decodeLosses(decoded.info)) status.note(`${path}: ${loss}`)
    const image = await presetPicture(decoded.image, options.preset)
    const plan = planTiles(image, tiling)
    const tokensPerTile = options.tokensPerTile ?? usualTokensPerTile(plan)
    if (out !== undefined) {
      const { drawTiling } = await import('../tiling/draw.ts')
      await writeDrawing(out, await drawTiling(image, plan, { tokensPerTile }))
    }
    const report = planReport(plan, tokensPerTile)
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ picture: path, ...report, ...(out && { out }) }, null, 2)}\n`)
      return
    }
    process.stdout.write(`${printable(planText(path, report))}\n`)
    if (out !== undefined) process.stdout.write(`drawn to ${printable(out)}\n`)
    else
      status.show(
        'hint',
        '',
        'Draw the tiles with --out tiles.png; --json lists the part of the picture that each covers.',
      )
  },
})
