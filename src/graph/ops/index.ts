/** Every op, by family. */
export * from './activation.ts'
export * from './arithmetic.ts'
export * from './convolution.ts'
export * from './gather.ts'
export * from './matmul.ts'
export * from './normalise.ts'
export * from './reduce.ts'
export * from './shape.ts'
