import { CheckpointError } from '../tensor/errors.ts'

/** What calling a class or function in Python would make; `file` is for messages. */
export type PickleCall = (args: readonly unknown[], file: string) => unknown

/** A class or function that a pickle may name; one without `call` is only ever an argument. */
export class PickleGlobal {
  readonly name: string
  readonly call: PickleCall | undefined

  constructor(name: string, call?: PickleCall) {
    this.name = name
    this.call = call
  }
}

export interface PickleOptions {
  /** What to call the pickle's file in messages. */
  readonly file: string
  /** Everything that it may name, by `module.name`. */
  readonly globals: ReadonlyMap<string, PickleGlobal>
  /** What a persistent id (torch: a storage) stands for. */
  readonly persistent: (id: unknown, file: string) => unknown
}

const sizeLimitBytes = 64 * 2 ** 20

/** Bounds the stack, the memo and every container at once; 100,000 tensors take about three million. */
const stepLimit = 2 ** 22

/** Python integers that are sizes, offsets or random seeds have a few bytes; reading a long one is quadratic. */
const integerLimitBytes = 256

/**
 * The value of a Python pickle of protocol 2 to 5, without running anything of it: dictionaries become Maps,
 * lists and tuples arrays, sets Sets, and the only classes are the ones in `globals`. Attributes that are set
 * on objects are dropped.
 * Source: CPython, Lib/pickletools.py.
 * @throws CheckpointError `pickle-global` for any other class or function, `pickle-unsupported` for opcodes
 * that plain data does not need, `pickle-damaged` and `pickle-size`.
 */
export function unpickle(bytes: Uint8Array, options: PickleOptions): unknown {
  if (bytes.byteLength > sizeLimitBytes)
    throw new CheckpointError(
      'pickle-size',
      `${options.file} has a pickle of ${bytes.byteLength} bytes, above the limit of ${sizeLimitBytes}. ` +
        'Tensors lie outside of it, so it holds something else: save the state dict alone.',
      { file: options.file, sizeBytes: bytes.byteLength, limit: sizeLimitBytes },
    )
  const machine = new Machine(bytes, options)
  for (let step = 0; step < stepLimit; step++) {
    const at = machine.at
    const code = machine.byte()
    if (code === stopCode) return machine.pop()
    const run = opcodes.get(code)
    if (!run) throw unsupported(options.file, at, code)
    run(machine)
  }
  throw new CheckpointError(
    'pickle-size',
    `${options.file} has a pickle of more than ${stepLimit} steps. Save the state dict alone.`,
    { file: options.file, limit: stepLimit },
  )
}

/** The pickle machine: a stack of values, the marks in it, and the memo of values to use again. */
class Machine {
  at = 0
  readonly memo = new Map<number, unknown>()
  readonly options: PickleOptions
  readonly #stack: unknown[] = []
  readonly #marks: number[] = []
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.options = options
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  push(value: unknown): void {
    this.#stack.push(value)
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw this.damaged('takes a value that is not on its stack')
    return this.#stack.pop()
  }

  peek(): unknown {
    const value = this.pop()
    this.push(value)
    return value
  }

  popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse()
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
  }

  popToMark(): unknown[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.damaged('closes a group that it did not open')
    return this.#stack.splice(mark)
  }

  /** The next `length` bytes, as a view. */
  take(length: number): DataView {
    const from = this.at
    if (!(length <= this.#bytes.byteLength - from)) throw this.damaged('ends in the middle')
    this.at += length
    return new DataView(this.#view.buffer, this.#view.byteOffset + from, length)
  }

  byte(): number {
    const value = this.#bytes[this.at++]
    if (value === undefined) throw this.damaged('ends in the middle')
    return value
  }

  text(length: number): string {
    return decoder.decode(this.take(length))
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at)
    if (end < 0) throw this.damaged('ends in the middle')
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  integer(length: number): number | bigint {
    if (length > integerLimitBytes) throw this.damaged(`has an integer of ${length} bytes`)
    const view = this.take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(i))
    value = BigInt.asIntN(8 * length, value)
    return value === BigInt(Number(value)) && Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  length64(): number {
    return Number(this.take(8).getBigUint64(0, true))
  }

  damaged(found: string): CheckpointError {
    return new CheckpointError(
      'pickle-damaged',
      `${this.options.file} cannot be read: at byte ${this.at} its pickle ${found}. Pull the file again.`,
      { file: this.options.file, at: this.at, found },
    )
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const stopCode = 0x2e

/** What each opcode does, in the order and under the names of pickletools. */
const opcodes = new Map<number, (machine: Machine) => void>([
  [0x4a, (m) => m.push(m.take(4).getInt32(0, true))], // BININT
  [0x4b, (m) => m.push(m.byte())], // BININT1
  [0x4d, (m) => m.push(m.take(2).getUint16(0, true))], // BININT2
  [0x8a, (m) => m.push(m.integer(m.byte()))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.take(4).getUint32(0, true)))], // LONG4
  [0x54, (m) => m.push(m.text(m.take(4).getUint32(0, true)))], // BINSTRING
  [0x55, (m) => m.push(m.text(m.byte()))], // SHORT_BINSTRING
  [0x42, (m) => m.push(copyOf(m.take(m.take(4).getUint32(0, true))))], // BINBYTES
  [0x43, (m) => m.push(copyOf(m.take(m.byte())))], // SHORT_BINBYTES
  [0x8e, (m) => m.push(copyOf(m.take(m.length64())))], // BINBYTES8
  [0x96, (m) => m.push(copyOf(m.take(m.length64())))], // BYTEARRAY8
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x8c, (m) => m.push(m.text(m.byte()))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.text(m.take(4).getUint32(0, true)))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.length64()))], // BINUNICODE8
  [0x47, (m) => m.push(m.take(8).getFloat64(0))], // BINFLOAT
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => append(m, [m.pop()])], // APPEND
  [0x65, (m) => append(m, m.popToMark())], // APPENDS
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x74, (m) => m.push(m.popToMark())], // TUPLE
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x73, (m) => setItems(m, m.popMany(2))], // SETITEM
  [0x75, (m) => setItems(m, m.popToMark())], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m) => addItems(m, m.popToMark())], // ADDITEMS
  [0x91, (m) => m.push(new Set(m.popToMark()))], // FROZENSET
  [0x30, (m) => void m.pop()], // POP
  [0x32, (m) => m.push(m.peek())], // DUP
  [0x28, (m) => m.mark()], // MARK
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x68, (m) => recall(m, m.byte())], // BINGET
  [0x6a, (m) => recall(m, m.take(4).getUint32(0, true))], // LONG_BINGET
  [0x71, (m) => void m.memo.set(m.byte(), m.peek())], // BINPUT
  [0x72, (m) => void m.memo.set(m.take(4).getUint32(0, true), m.peek())], // LONG_BINPUT
  [0x94, (m) => void m.memo.set(m.memo.size, m.peek())], // MEMOIZE
  [0x63, (m) => findGlobal(m, [m.line(), m.line()])], // GLOBAL
  [0x93, (m) => findGlobal(m, m.popMany(2))], // STACK_GLOBAL
  [0x52, (m) => call(m, m.popMany(2))], // REDUCE
  [0x81, (m) => call(m, m.popMany(2))], // NEWOBJ
  [0x62, (m) => void m.pop()], // BUILD: attributes, such as an OrderedDict's _metadata
  [0x80, checkProtocol], // PROTO
  [0x95, (m) => void m.take(8)], // FRAME
  [0x51, (m) => m.push(m.options.persistent(m.pop(), m.options.file))], // BINPERSID
])

function append(machine: Machine, values: readonly unknown[]): void {
  const list = machine.peek()
  if (!Array.isArray(list)) throw machine.damaged('appends to something that is no list')
  for (const value of values) list.push(value)
}

function setItems(machine: Machine, items: readonly unknown[]): void {
  const dictionary = machine.peek()
  if (!(dictionary instanceof Map) || items.length % 2 === 1)
    throw machine.damaged('sets items of something that is no dictionary')
  for (let i = 0; i < items.length; i += 2) dictionary.set(items[i], items[i + 1])
}

function addItems(machine: Machine, items: readonly unknown[]): void {
  const set = machine.peek()
  if (!(set instanceof Set)) throw machine.damaged('adds to something that is no set')
  for (const item of items) set.add(item)
}

function recall(machine: Machine, index: number): void {
  if (!machine.memo.has(index)) throw machine.damaged(`recalls value ${index}, which it has not stored`)
  machine.push(machine.memo.get(index))
}

function checkProtocol(machine: Machine): void {
  const protocol = machine.byte()
  if (protocol < 2 || protocol > 5) throw machine.damaged(`is of protocol ${protocol}; known are 2 to 5`)
}

function findGlobal(machine: Machine, [module, member]: readonly unknown[]): void {
  if (typeof module !== 'string' || typeof member !== 'string')
    throw machine.damaged('names a class by something that is no text')
  const name = `${module}.${member}`
  const global = machine.options.globals.get(name)
  if (!global) throw refused(machine.options.file, name)
  machine.push(global)
}

function call(machine: Machine, [callee, args]: readonly unknown[]): void {
  if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
    throw machine.damaged('calls something that is no function')
  if (!callee.call) throw refused(machine.options.file, callee.name)
  machine.push(callee.call(args, machine.options.file))
}

function refused(file: string, global: string): CheckpointError {
  return new CheckpointError(
    'pickle-global',
    `${file} asks for ${global}, which rebuilding tensors does not need. A pickle can run any program that way, ` +
      'so nothing of it was run. If you trust its author, convert the file to safetensors where it was made.',
    { file, global },
  )
}

function unsupported(file: string, at: number, code: number): CheckpointError {
  const opcode = `0x${code.toString(16).padStart(2, '0')}`
  return new CheckpointError(
    'pickle-unsupported',
    `${file} has the pickle opcode ${opcode} at byte ${at}, which plain tensors do not need. ` +
      'Convert the file to safetensors where it was made.',
    { file, at, opcode },
  )
}

function copyOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
}
