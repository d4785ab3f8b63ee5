/**
 * Dimensions of symbolic tensors: plain numbers, or integer polynomials over named symbols (`T`, `4*N*T + 1`), with
 * floor division as an atom of its own. Two dims are equal exactly when their canonical texts are.
 */
export type Dim = number | SymbolicDim

/** A product of atoms with an integer coefficient; `atoms` are sorted canonical texts, repeated for powers. */
interface Term {
  readonly coefficient: number
  readonly atoms: readonly Atom[]
}

type Atom = { readonly text: string } & (
  | { readonly kind: 'symbol' }
  | { readonly kind: 'floor'; readonly dividend: SymbolicDim; readonly divisor: Dim }
)

export class SymbolicDim {
  readonly terms: readonly Term[]
  /** Canonical text: equal dims print the same. */
  readonly text: string

  constructor(terms: readonly Term[]) {
    this.terms = terms
    this.text = terms.map(termText).join(' + ')
  }

  toString(): string {
    return this.text
  }
}

/** A dimension known only when a program runs, such as `dim('T')`; equal names are equal dimensions. */
export function dim(name: string): SymbolicDim {
  return new SymbolicDim([{ coefficient: 1, atoms: [{ kind: 'symbol', text: name }] }])
}

export function dimText(d: Dim): string {
  return typeof d === 'number' ? String(d) : d.text
}

export function shapeText(shape: readonly Dim[]): string {
  return `[${shape.map(dimText).join(', ')}]`
}

export function sameDim(a: Dim, b: Dim): boolean {
  return a === b || (typeof a !== 'number' && typeof b !== 'number' && a.text === b.text)
}

export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d, i) => sameDim(d, b[i]!))
}

export function addDims(...dims: Dim[]): Dim {
  return collect(dims.flatMap(termsOf))
}

export function mulDims(...dims: Dim[]): Dim {
  let product: Term[] = [{ coefficient: 1, atoms: [] }]
  for (const d of dims)
    product = product.flatMap((a) =>
      termsOf(d).map((b) => ({
        coefficient: a.coefficient * b.coefficient,
        atoms: [...a.atoms, ...b.atoms].sort((x, y) => (x.text < y.text ? -1 : 1)),
      })),
    )
  return collect(product)
}

export function subDims(a: Dim, b: Dim): Dim {
  return addDims(a, mulDims(b, -1))
}

/** ⌊a / b⌋, simplified where the division is exact for every value of the symbols. */
export function floorDivDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b)
  return exactQuotient(a, b) ?? floorAtom(a, b)
}

/** a / b where b divides a for every value of the symbols (as polynomials); undefined otherwise. */
export function exactQuotient(a: Dim, b: Dim): Dim | undefined {
  const divisor = leadingTerm(b)
  let rest = a
  let quotient: Dim = 0
  while (rest !== 0) {
    const part = divisor && quotientTerm(leadingTerm(rest)!, divisor)
    if (!part) return undefined
    quotient = addDims(quotient, collect([part]))
    rest = subDims(rest, mulDims(collect([part]), b))
  }
  return quotient
}

/** The term that comes first in the lexicographic order of powers; none of 0. */
function leadingTerm(d: Dim): Term | undefined {
  return d === 0 ? undefined : termsOf(d).reduce((a, b) => (isHigher(b, a) ? b : a))
}

/** Whether the first atom (by text) in which two products differ has its higher power in a. */
function isHigher(a: Term, b: Term): boolean {
  const at = a.atoms.findIndex((atom, i) => atom.text !== b.atoms[i]?.text)
  if (at < 0) return false
  const other = b.atoms[at]
  return other === undefined || a.atoms[at]!.text < other.text
}

function quotientTerm(term: Term, divisor: Term): Term | undefined {
  if (term.coefficient % divisor.coefficient !== 0) return undefined
  const atoms = [...term.atoms]
  for (const atom of divisor.atoms) {
    const at = atoms.findIndex((x) => x.text === atom.text)
    if (at < 0) return undefined
    atoms.splice(at, 1)
  }
  return { coefficient: term.coefficient / divisor.coefficient, atoms }
}

/** The names of all symbols in a dim. */
export function symbolsOf(d: Dim): string[] {
  return termsOf(d).flatMap((t) =>
    t.atoms.flatMap((a) =>
      a.kind === 'symbol' ? [a.text] : [...symbolsOf(a.dividend), ...symbolsOf(a.divisor)],
    ),
  )
}

/**
 * Folds a dim into any arithmetic: numbers for a value, ONNX nodes for a program that computes it.
 */
export function foldDim<V>(
  d: Dim,
  on: {
    constant(value: number): V
    symbol(name: string): V
    add(a: V, b: V): V
    mul(a: V, b: V): V
    floorDiv(a: V, b: V): V
  },
): V {
  if (typeof d === 'number') return on.constant(d)
  return d.terms
    .map((term) => {
      const atoms = term.atoms.map((a) =>
        a.kind === 'symbol'
          ? on.symbol(a.text)
          : on.floorDiv(foldDim(a.dividend, on), foldDim(a.divisor, on)),
      )
      const factors =
        term.coefficient === 1 && atoms.length > 0 ? atoms : [on.constant(term.coefficient), ...atoms]
      return factors.reduce(on.mul)
    })
    .reduce(on.add)
}

/** The value of a dim for given values of its symbols; NaN when one is missing. */
export function evaluateDim(d: Dim, symbols: ReadonlyMap<string, number>): number {
  return foldDim<number>(d, {
    constant: (value) => value,
    symbol: (name) => symbols.get(name) ?? Number.NaN,
    add: (a, b) => a + b,
    mul: (a, b) => a * b,
    floorDiv: (a, b) => Math.floor(a / b),
  })
}

function floorAtom(a: Dim, b: Dim): Dim {
  const dividend = typeof a === 'number' ? new SymbolicDim([{ coefficient: a, atoms: [] }]) : a
  const text = `⌊(${dimText(a)})/(${dimText(b)})⌋`
  return new SymbolicDim([{ coefficient: 1, atoms: [{ kind: 'floor', text, dividend, divisor: b }] }])
}

function termsOf(d: Dim): readonly Term[] {
  return typeof d === 'number' ? [{ coefficient: d, atoms: [] }] : d.terms
}

function collect(terms: readonly Term[]): Dim {
  const byAtoms = new Map<string, Term>()
  for (const term of terms) {
    const key = term.atoms.map((a) => a.text).join('*')
    const coefficient = (byAtoms.get(key)?.coefficient ?? 0) + term.coefficient
    byAtoms.set(key, { coefficient, atoms: term.atoms })
  }
  const kept = [...byAtoms].filter(([, t]) => t.coefficient !== 0).sort(([a], [b]) => (a < b ? 1 : -1))
  if (kept.length === 0) return 0
  if (kept.length === 1 && kept[0]![0] === '') return kept[0]![1].coefficient
  return new SymbolicDim(kept.map(([, t]) => t))
}

function termText({ coefficient, atoms }: Term): string {
  const names = atoms.map((a) => a.text)
  return (coefficient === 1 && names.length > 0 ? names : [String(coefficient), ...names]).join('*')
}
