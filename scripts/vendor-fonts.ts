// `node scripts/vendor-fonts.ts`: fills fonts/ with the files that fonts/fonts.json names, from the registry.
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

interface Entry {
  readonly name: string
  readonly set: 'training' | 'held-out'
  readonly styles: readonly string[]
  readonly version: string
}

const fonts = resolve(import.meta.dirname, '../fonts')
const entries = JSON.parse(await readFile(join(fonts, 'fonts.json'), 'utf8')) as Entry[]
const folder = await mkdtemp(join(tmpdir(), 'fonts-'))
const packages = entries.map(({ name, version }) => `@fontsource/${name}@${version}`)
const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...packages], {
  stdio: 'inherit',
})
if (status !== 0) throw new Error(`npm install ended with ${status}`)
await mkdir(join(fonts, 'licences'), { recursive: true })
for (const { name, set, styles } of entries) {
  const source = join(folder, 'node_modules/@fontsource', name)
  await mkdir(join(fonts, set), { recursive: true })
  await copyFile(join(source, 'LICENSE'), join(fonts, 'licences', `${name}.txt`))
  for (const style of styles) {
    const [weight, slant = 'normal'] = style.split('-')
    const file = join(source, 'files', `${name}-latin-${weight}-${slant}.woff2`)
    await copyFile(file, join(fonts, set, `${name}-${style}.woff2`))
  }
}
await rm(folder, { recursive: true })
