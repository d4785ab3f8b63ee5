import { appendFile, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { InputError } from '../tensor/errors.ts'

/**
 * The results of an experiment as lines of JSON, the first of which says what was asked. Each result is there from the
 * moment it is made; the half line of a process that was killed is cut off.
 */
export class ExperimentLog<Row> {
  readonly rows: Row[]
  readonly #path: string

  private constructor(path: string, rows: Row[]) {
    this.#path = path
    this.rows = rows
  }

  /**
   * @param settings what all results have in common
   * @throws InputError `lab-other-experiment` when the file holds results under other settings; `lab-log-invalid`
   */
  static async open<Row>(
    path: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<ExperimentLog<Row>> {
    await makeFolder(dirname(path))
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return ''
    })
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole))
    const [first, ...rows] = whole
      .split('\n')
      .slice(0, -1)
      .map((line, i) => parsed(line, path, i + 1))
    if (first === undefined) await appendFile(path, `${JSON.stringify({ settings })}\n`)
    else checkSettings((first as { settings?: Record<string, unknown> }).settings ?? {}, settings, path)
    return new ExperimentLog(path, rows as Row[])
  }

  async add(row: Row): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify(row)}\n`)
    this.rows.push(row)
  }
}

function parsed(line: string, path: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    throw new InputError('lab-log-invalid', `${path}, line ${number} is no JSON. Name another folder.`, {
      path,
      number,
    })
  }
}

function checkSettings(
  found: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
  path: string,
): void {
  const names = new Set([...Object.keys(found), ...Object.keys(asked)])
  const other = [...names].filter((name) => JSON.stringify(found[name]) !== JSON.stringify(asked[name]))
  if (other.length === 0) return
  const words = other.map(
    (name) => `${name} was ${JSON.stringify(found[name])}, now ${JSON.stringify(asked[name])}`,
  )
  throw new InputError(
    'lab-other-experiment',
    `${path} holds results of another experiment: ${words.join('; ')}. Name another folder, or ask as before.`,
    { path, settings: other },
  )
}
