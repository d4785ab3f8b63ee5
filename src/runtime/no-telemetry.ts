/**
 * To be imported before ONNX Runtime. Its library for Linux (1.30) otherwise keeps an identifier of the machine and a
 * queue of events about sessions for Microsoft, in ~/.cache/Microsoft/DeveloperTools/.onnxruntime. Whoever sets the
 * variable decides. A worker thread has a copy of the environment, which the library does not see: there the program
 * that starts it sets the variable.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1'
