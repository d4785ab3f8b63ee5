/** A command line that cannot be meant: exit status 2. */
export class UsageError extends Error {}
