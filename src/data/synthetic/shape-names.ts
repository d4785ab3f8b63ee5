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

/** How a shape is told from the others at a glance. */
export function shapeName(color: ShapeColor, form: ShapeForm, isLarge: boolean): string {
  return `${isLarge ? 'large ' : ''}${color} ${form}`
}

/** All that there may be. */
export const shapeNames: readonly string[] = [false, true].flatMap((isLarge) =>
  shapeColors.flatMap((color) => shapeForms.map((form) => shapeName(color, form, isLarge))),
)
