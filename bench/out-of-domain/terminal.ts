import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { installPeer } from '../peers/install.ts'
import { newPage } from './browser.ts'
import type { Drawn } from './layer.ts'
import { manQuestions } from './man-questions.ts'
import { run } from './packages.ts'
import type { TerminalView } from './sources.ts'

/** Themes of usual terminals: GNOME's, xterm's, Solarized, PuTTY's, Konsole's, a light one. */
export const themes = {
  gnome: { background: '#2d2d2d', foreground: '#d3d7cf' },
  xterm: { background: '#ffffff', foreground: '#000000' },
  solarized: { background: '#fdf6e3', foreground: '#657b83' },
  putty: { background: '#000000', foreground: '#bbbbbb' },
  konsole: { background: '#232627', foreground: '#fcfcfc' },
  tango: { background: '#300a24', foreground: '#eeeeec' },
} as const

interface Terminal {
  readonly buffer: { readonly active: { getLine(at: number): { translateToString(trims: boolean): string } } }
  open(element: HTMLElement): void
  write(text: string, done: () => void): void
}

/** A manual page as `man` shows it in xterm.js, the terminal of many programs; its words are read back from the terminal. */
export async function drawTerminal(browser: Browser, path: string, view: TerminalView): Promise<Drawn> {
  const { columns, rows, from = 0, theme, font, fontSize } = view
  const keeps = { MANWIDTH: String(columns), MAN_KEEP_FORMATTING: '1', GROFF_SGR: '1', LC_ALL: 'C.UTF-8' }
  const lines = run('man', ['--nh', '-P', 'cat', '-l', path], keeps).trimEnd().split('\n')
  const shown = lines.slice(from, from + rows - 1)
  const name = /^\S+/.exec(lines[0]!)![0].replace(/[A-Z]+/, (letters) => letters.toLowerCase())
  // The last line is the pager's, inverse.
  const place = from + rows - 1 >= lines.length ? '(END)' : `line ${from + 1}`
  const status = `\x1b[7m Manual page ${name} ${place} (press h for help or q to quit)\x1b[0m`
  const page = await newPage(browser, { viewport: { width: 1600, height: 1000 } })
  try {
    const folder = join(await installPeer('@xterm/xterm', '5.5.0'), 'node_modules/@xterm/xterm')
    const { background, foreground } = themes[theme]
    await page.setContent(
      `<body style="margin:0"><div id="terminal" style="display:inline-block;padding:5px;background:${background}"></div>`,
    )
    await page.addStyleTag({ path: join(folder, 'css/xterm.css') })
    await page.addScriptTag({ path: join(folder, 'lib/xterm.js') })
    const seen = await page.evaluate(
      async ([options, text]) => {
        const { Terminal } = globalThis as unknown as { Terminal: new (options: object) => Terminal }
        const terminal = new Terminal(options)
        terminal.open(document.getElementById('terminal')!)
        await new Promise<void>((resolve) => terminal.write(text, resolve))
        // Two frames: what was written is painted in the next one.
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
        return Array.from({ length: options.rows }, (_, row) =>
          terminal.buffer.active.getLine(row).translateToString(true),
        )
      },
      [
        {
          ...{ cols: columns, rows, fontSize, fontFamily: font, cursorInactiveStyle: 'none', scrollback: 0 },
          theme: { background, foreground, cursor: background },
        },
        [...shown, ...Array<string>(rows - 1 - shown.length).fill('~'), status].join('\r\n'),
      ] as const,
    )
    const text = seen.join(' ').replace(/\s+/g, ' ').trim()
    return { png: await page.locator('#terminal').screenshot(), text, proposals: manQuestions(seen, text) }
  } finally {
    await page.close()
  }
}
