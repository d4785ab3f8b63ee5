/** What shapes there are on tables. */
export const shapeForms = [
  'circle',
  'square',
  'triangle',
  'star',
  'hexagon',
  'heart',
  'cross',
  'ring',
] as const
export type ShapeForm = (typeof shapeForms)[number]

export const shapeColors = [
  'red',
  'blue',
  'green',
  'yellow',
  'orange',
  'purple',
  'pink',
  'black',
  'white',
] as const
export type ShapeColor = (typeof shapeColors)[number]

/** How a shape is told from the others at a glance: its shade, then its form. */
export function shapeName(color: ShapeColor, form: ShapeForm, isLarge: boolean): string {
  return `${shadeName(color, isLarge)} ${form}`
}

/** What is told of a shape before its form. */
export function shadeName(color: ShapeColor, isLarge: boolean): string {
  return `${isLarge ? 'large ' : ''}${color}`
}

/** All that there may be. */
export const shadeNames: readonly string[] = [false, true].flatMap((isLarge) =>
  shapeColors.map((color) => shadeName(color, isLarge)),
)
