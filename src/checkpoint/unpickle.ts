import { CheckpointError } from '../tensor/errors.ts'

/** What a pickle may refer to beyond plain values. Each function throws for what it does not allow. */
export interface PickleWorld {
  /** What to call the file in messages. */
  readonly file: string
  /** The value that stands for a Python global such as `collections.OrderedDict`. */
  find(name: string): unknown
  /** A global called with arguments. */
  call(callee: unknown, args: readonly unknown[]): unknown
  /** An object that the pickle keeps outside itself. */
  persistent(id: unknown): unknown
}

/**
 * The value of a pickle of protocol 2 to 5: dicts are Maps, lists and tuples arrays, sets Sets, integers
 * numbers where exact, else bigints. Nothing is executed: globals are values that `world` hands out by name,
 * and attributes set on an object (`BUILD`) are dropped, since on tensors' dicts they are only annotations.
 * @throws CheckpointError `pickle-damaged`, and what `world` throws.
 */
export function unpickle(bytes: Uint8Array, world: PickleWorld): unknown {
  const machine = new PickleMachine(bytes, world)
  try {
    return machine.run()
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause
    throw new CheckpointError(
      'pickle-damaged',
      `${world.file} holds a pickle that cannot be read at byte ${machine.at} of ${bytes.byteLength} ` +
        `(${(cause as Error).message}). Pull the file again, or take the checkpoint's safetensors files.`,
      { file: world.file, at: machine.at },
      cause,
    )
  }
}

/** Longer integers are no sizes, seeds or counters. */
const integerLimitBytes = 256

/** Python's pickle machine, reduced to the opcodes that torch.save writes. Loops, and so cannot overflow. */
class PickleMachine {
  at = 0
  private stack: unknown[] = []
  private readonly marked: unknown[][] = []
  private readonly memo = new Map<number, unknown>()
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly world: PickleWorld

  constructor(bytes: Uint8Array, world: PickleWorld) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.world = world
  }

  run(): unknown {
    for (;;) {
      const opcode = this.u8()
      if (opcode === 0x2e) return this.pop()
      this.step(opcode)
    }
  }

  private step(opcode: number): void {
    // biome-ignore format: one opcode a line
    switch (opcode) {
      case 0x80: return this.protocol()
      case 0x95: return void this.take(8) // FRAME: only a hint for buffered readers
      case 0x28: return this.mark() // '('
      case 0x30: return void this.pop() // '0'
      case 0x31: return void this.sinceMark() // '1'
      case 0x32: return this.push(this.top()) // '2' DUP
      case 0x4e: return this.push(null) // 'N'
      case 0x88: return this.push(true)
      case 0x89: return this.push(false)
      case 0x4b: return this.push(this.u8()) // 'K' BININT1
      case 0x4d: return this.push(this.u8() | (this.u8() << 8)) // 'M' BININT2
      case 0x4a: return this.push(this.u32() | 0) // 'J' BININT
      case 0x8a: return this.push(this.integer(this.u8())) // LONG1
      case 0x8b: return this.push(this.integer(this.u32())) // LONG4
      case 0x47: return this.push(viewOf(this.take(8)).getFloat64(0)) // 'G' BINFLOAT, big-endian
      case 0x8c: return this.push(this.text(this.u8())) // SHORT_BINUNICODE
      case 0x58: return this.push(this.text(this.u32())) // 'X' BINUNICODE
      case 0x8d: return this.push(this.text(this.u64())) // BINUNICODE8
      case 0x55: return this.push(this.latin(this.u8())) // 'U' SHORT_BINSTRING, from Python 2
      case 0x54: return this.push(this.latin(this.u32())) // 'T' BINSTRING
      case 0x43: return this.push(this.take(this.u8())) // 'C' SHORT_BINBYTES
      case 0x42: return this.push(this.take(this.u32())) // 'B' BINBYTES
      case 0x8e: case 0x96: return this.push(this.take(this.u64())) // BINBYTES8, BYTEARRAY8
      case 0x5d: case 0x29: return this.push([]) // ']' list, ')' tuple
      case 0x61: return this.extend([this.pop()]) // 'a' APPEND
      case 0x65: return this.extend(this.sinceMark()) // 'e' APPENDS
      case 0x6c: case 0x74: return this.push(this.sinceMark()) // 'l' LIST, 't' TUPLE
      case 0x85: return this.push(this.last(1))
      case 0x86: return this.push(this.last(2))
      case 0x87: return this.push(this.last(3))
      case 0x7d: return this.push(new Map()) // '}'
      case 0x73: return this.setItems(this.last(2)) // 's' SETITEM
      case 0x75: return this.setItems(this.sinceMark()) // 'u' SETITEMS
      case 0x64: return this.dict(this.sinceMark()) // 'd' DICT
      case 0x8f: return this.push(new Set())
      case 0x90: return this.addItems(this.sinceMark())
      case 0x91: return this.push(new Set(this.sinceMark())) // FROZENSET
      case 0x63: return this.push(this.world.find(`${this.line()}.${this.line()}`)) // 'c' GLOBAL
      case 0x93: return this.push(this.world.find(this.globalName(this.last(2)))) // STACK_GLOBAL
      case 0x52: case 0x81: return this.call(this.last(2)) // 'R' REDUCE, NEWOBJ
      case 0x62: return void this.pop() // 'b' BUILD
      case 0x51: return this.push(this.world.persistent(this.pop())) // 'Q' BINPERSID
      case 0x71: return this.remember(this.u8()) // 'q' BINPUT
      case 0x72: return this.remember(this.u32()) // 'r' LONG_BINPUT
      case 0x94: return this.remember(this.memo.size) // MEMOIZE
      case 0x68: return this.push(this.recall(this.u8())) // 'h' BINGET
      case 0x6a: return this.push(this.recall(this.u32())) // 'j' LONG_BINGET
      default: throw new Error(`opcode 0x${opcode.toString(16)} is not one that torch.save writes`)
    }
  }

  private protocol(): void {
    const version = this.u8()
    if (version < 2 || version > 5) throw new Error(`pickle protocol ${version}; 2 to 5 are read`)
  }

  private push(value: unknown): void {
    this.stack.push(value)
  }

  private pop(): unknown {
    if (this.stack.length === 0) throw new Error('its stack is empty')
    return this.stack.pop()
  }

  private top(): unknown {
    if (this.stack.length === 0) throw new Error('its stack is empty')
    return this.stack.at(-1)
  }

  private last(count: number): unknown[] {
    if (this.stack.length < count) throw new Error('its stack is too short')
    return this.stack.splice(-count)
  }

  private mark(): void {
    this.marked.push(this.stack)
    this.stack = []
  }

  private sinceMark(): unknown[] {
    const below = this.marked.pop()
    if (!below) throw new Error('a mark is missing')
    const items = this.stack
    this.stack = below
    return items
  }

  private extend(items: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw new Error('it appends to what is no list')
    for (const item of items) list.push(item)
  }

  private setItems(items: readonly unknown[]): void {
    const dict = this.top()
    if (!(dict instanceof Map) || items.length % 2 !== 0) throw new Error('it sets items of what is no dict')
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
  }

  private dict(items: readonly unknown[]): void {
    this.push(new Map())
    this.setItems(items)
  }

  private addItems(items: readonly unknown[]): void {
    const set = this.top()
    if (!(set instanceof Set)) throw new Error('it adds to what is no set')
    for (const item of items) set.add(item)
  }

  private call([callee, args]: readonly unknown[]): void {
    if (!Array.isArray(args)) throw new Error('it calls without a tuple of arguments')
    this.push(this.world.call(callee, args))
  }

  private globalName([module, name]: readonly unknown[]): string {
    if (typeof module !== 'string' || typeof name !== 'string') throw new Error('a global without a name')
    return `${module}.${name}`
  }

  private remember(index: number): void {
    this.memo.set(index, this.top())
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw new Error(`nothing was remembered as ${index}`)
    return this.memo.get(index)
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.byteLength - this.at) throw new Error('it is cut short')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  private u8(): number {
    return this.take(1)[0]!
  }

  private u32(): number {
    this.take(4)
    return this.view.getUint32(this.at - 4, true)
  }

  private u64(): number {
    this.take(8)
    return Number(this.view.getBigUint64(this.at - 8, true))
  }

  private text(length: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.take(length))
  }

  private latin(length: number): string {
    return new TextDecoder('latin1').decode(this.take(length))
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw new Error('a name does not end')
    const line = this.text(end - this.at)
    this.at = end + 1
    return line
  }

  /** Two's complement, little-endian. */
  private integer(length: number): number | bigint {
    if (length > integerLimitBytes) throw new Error(`an integer of ${length} bytes`)
    let value = 0n
    for (const [i, byte] of this.take(length).entries()) value |= BigInt(byte) << BigInt(8 * i)
    value = BigInt.asIntN(8 * length, value)
    return BigInt(Number(value)) === value ? Number(value) : value
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
