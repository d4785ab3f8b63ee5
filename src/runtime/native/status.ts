import type { OrtApi, Status } from './api.ts'

/** What ONNX Runtime answered instead of success. */
export class OrtFailure extends Error {
  /** `OrtErrorCode` of onnxruntime_c_api.h: 2 an invalid argument, 3 no such file, … */
  readonly code: number

  constructor(code: number, message: string) {
    super(message.replace(/\s+/g, ' ').slice(0, 600))
    this.code = code
  }
}

/** Throws OrtFailure where a call failed; the status is freed either way. */
export function check(api: OrtApi, status: Status): void {
  if (status === null) return
  const failure = new OrtFailure(api.GetErrorCode(status), api.GetErrorMessage(status))
  api.ReleaseStatus(status)
  throw failure
}
