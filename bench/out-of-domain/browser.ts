import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** A machine that trains beside this is slow. */
const patienceMs = 900_000

/** A browser without a window, network or past. */
export function openBrowser(environment: Readonly<Record<string, string>>): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    env: { ...process.env, ...environment } as Record<string, string>,
    args: [
      ...['--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      ...['--disable-gpu', '--font-render-hinting=slight'],
    ],
    timeout: patienceMs,
  })
}

/** An empty page, which waits as long as the browser may take. */
export async function newPage(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(patienceMs)
  return page
}
