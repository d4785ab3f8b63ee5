const shownProblems = 8

/** The lines of an error about several things; more than some say nothing new, and the error's data has them all. */
export function problemList(problems: readonly string[]): string {
  const shown = problems.slice(0, shownProblems)
  const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : []
  return [...shown, ...more].map((line) => `  ${line}`).join('\n')
}
