#!/usr/bin/env node
// Starts the command: the compiled form in a published package, the sources in a checkout, for which a Node
// without type stripping is exchanged for the one that npm install brought.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isatty } from 'node:tty'
import { fileURLToPath, pathToFileURL } from 'node:url'

const source = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const compiled = new URL('../dist/cli/main.js', import.meta.url)

const words = process.argv.slice(2)
// ONNX Runtime searches the process's command line by a recursion that overflows the stack on long ones: a long
// question reaches a second process over a channel.
const isLong = words.reduce((length, word) => length + word.length, 0) > 4096
const isCheckout = existsSync(source)
const main = isCheckout ? source : fileURLToPath(compiled)

if (isCheckout && !stripsTypes(process.versions.node)) runInNewerNode()
else if (isLong) run(process.execPath)
else await import(pathToFileURL(main).href)

function stripsTypes(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

function runInNewerNode() {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  if (!existsSync(node)) {
    process.stderr.write(
      `panoptes: A checkout runs its TypeScript sources, which needs Node 22.18 or newer; this is ${process.versions.node}. ` +
        'Run npm install, which brings a newer one beside them.\n',
    )
    process.exitCode = 1
    return
  }
  run(node)
}

function run(node) {
  const given = isLong ? [] : words
  const child = spawn(node, [...process.execArgv, main, ...given], {
    stdio: isLong ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
    env: isLong ? { ...process.env, PANOPTES_WORDS: 'ipc' } : process.env,
  })
  if (isLong) child.send(words)
  // A terminal sends Ctrl-C to the child too; a second copy from here would count as pressed twice.
  const hasTerminal = [0, 1, 2].some(isatty)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !hasTerminal) child.kill(signal)
    })
  child.on('error', (error) => {
    process.stderr.write(`panoptes: ${node} cannot be started (${error.message}).\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
