import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { themes } from './terminal.ts'

/** A page of a document, or the strip of it between two shares of its height. */
export interface PdfView {
  /** From 1. */
  readonly page: number
  readonly dpi: number
  readonly from?: number
  readonly to?: number
}

/** A manual page in a terminal, from a line on. */
export interface TerminalView {
  readonly columns: number
  readonly rows: number
  readonly from?: number
  readonly theme: keyof typeof themes
  readonly font: string
  /** In pixels. */
  readonly fontSize: number
}

/** A page in a browser's window, in pixels, scrolled to the element of an id. */
export interface WebView {
  readonly width: number
  readonly height: number
  readonly anchor?: string
}

/** A picture to be made: a file of a Debian package, and how it is shown. */
export type Source =
  | { readonly sort: 'pdf'; readonly package: string; readonly file: string; readonly view: PdfView }
  | { readonly sort: 'man'; readonly package: string; readonly file: string; readonly view: TerminalView }
  | { readonly sort: 'web'; readonly package: string; readonly file: string; readonly view: WebView }

/** Debian 12's packages, all of its main archive, and the versions that the questions were made from. */
export const versions = {
  'asymptote-doc': '2.85+ds-1',
  bsdextrautils: '2.38.1-5+deb12u3',
  'bzip2-doc': '1.0.8-5',
  'cmake-doc': '3.25.1-1',
  coreutils: '9.1-1',
  'debian-faq': '11.1',
  'debian-handbook': '11.20220922',
  'debian-policy': '4.6.2.0',
  'debian-reference-en': '2.100',
  'developers-reference': '12.18',
  diffutils: '1:3.8-4',
  'doxygen-doc': '1.9.4-4',
  dpkg: '1.21.23',
  'exim4-doc-html': '4.96-1',
  file: '1:5.44-3',
  findutils: '4.9.0-4',
  'fonts-dejavu-core': '2.37-6',
  'fonts-hack': '3.003-3',
  'fonts-liberation': '1:1.07.4-11',
  'fonts-noto-mono': '20201225-1',
  'gimp-help-en': '2.10.34-2',
  'git-doc': '1:2.39.5-0+deb12u3',
  'gnuplot-doc': '5.4.4+dfsg1-2',
  'graphviz-doc': '2.42.2-7+deb12u1',
  grep: '3.8-5',
  gzip: '1.12-1',
  'installation-guide-amd64': '20230508+deb12u1',
  jq: '1.6-2.1+deb12u3',
  'libeigen3-doc': '3.4.0-4',
  'libfftw3-doc': '3.3.10-1',
  'maint-guide': '1.2.53',
  'octave-doc': '7.3.0-2',
  'pari-doc': '2.15.2-1',
  procps: '2:4.0.2-3',
  psmisc: '23.6-1',
  'python-django-doc': '3:3.2.25-0+deb12u7',
  'python3.11-doc': '3.11.2-6+deb12u9',
  'r-doc-html': '4.2.2.20221110-2',
  'r-doc-pdf': '4.2.2.20221110-2',
  'sbcl-doc': '2:2.2.9-1',
  sed: '4.9-1+deb12u1',
  'sqlite3-doc': '3.40.1-2+deb12u2',
  tmux: '3.3a-3',
  tree: '2.1.0-1',
  valgrind: '1:3.19.0-1',
  wget: '1.21.3-1+deb12u1',
  'xfig-doc': '1:3.2.8b-2',
  'zsh-doc': '5.9-4',
} as const satisfies Readonly<Record<string, string>>
type Package = keyof typeof versions

/**
 * The packages of the letters that terminals and web pages show. Liberation, which stands for Arial and Times there, is
 * Arimo and Tinos of the training pictures under another name; the others are in no training picture.
 */
export const fontPackages: readonly Package[] = [
  ...(['fonts-dejavu-core', 'fonts-hack', 'fonts-noto-mono', 'fonts-liberation'] as const),
]

const pdf = (name: Package, file: string, page: number, dpi: number, from?: number, to?: number): Source => ({
  ...{ sort: 'pdf', package: name, file },
  view: { page, dpi, ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
})
const man = (
  name: Package,
  file: string,
  [columns, rows]: readonly [number, number],
  from: number,
  theme: TerminalView['theme'],
  font: string,
  fontSize: number,
): Source => ({
  ...{ sort: 'man', package: name, file: `usr/share/man/${file}.gz` },
  view: { columns, rows, from, theme, font, fontSize },
})
const web = (name: Package, file: string, width: number, height: number, anchor?: string): Source => ({
  ...{ sort: 'web', package: name, file: `usr/share/${file}` },
  view: { width, height, ...(anchor !== undefined && { anchor }) },
})

/** The pictures of the set. */
export const sources: readonly Source[] = [
  pdf('r-doc-pdf', 'usr/share/doc/r-doc-pdf/manual/R-intro.pdf', 3, 110, 0, 0.5),
  pdf('r-doc-pdf', 'usr/share/doc/r-doc-pdf/manual/R-intro.pdf', 20, 110, 0, 0.55),
  pdf('r-doc-pdf', 'usr/share/doc/r-doc-pdf/manual/R-data.pdf', 9, 120, 0.3, 0.8),
  pdf('gnuplot-doc', 'usr/share/doc/gnuplot/gnuplot.pdf', 31, 120, 0, 0.5),
  pdf('debian-policy', 'usr/share/doc/debian-policy/policy.pdf.gz', 3, 110, 0, 0.5),
  pdf('debian-policy', 'usr/share/doc/debian-policy/policy.pdf.gz', 30, 110, 0.5, 1),
  pdf('valgrind', 'usr/share/doc/valgrind/valgrind_manual.pdf.gz', 5, 110, 0, 0.5),
  pdf('zsh-doc', 'usr/share/doc/zsh-common/zsh.pdf', 5, 120, 0.1, 0.5),
  pdf('debian-policy', 'usr/share/doc/debian-policy/fhs/fhs-3.0.pdf.gz', 10, 120, 0, 0.6),
  pdf('developers-reference', 'usr/share/developers-reference/developers-reference.pdf', 21, 110, 0, 0.5),
  pdf('debian-faq', 'usr/share/doc/debian/FAQ/debian-faq.en.pdf.gz', 15, 120, 0, 0.5),
  pdf('maint-guide', 'usr/share/doc/maint-guide/maint-guide.en.pdf', 16, 110, 0, 0.5),
  pdf('octave-doc', 'usr/share/doc/octave/octave.pdf', 61, 110, 0, 0.5),
  pdf('zsh-doc', 'usr/share/doc/zsh-common/zsh.pdf', 31, 120, 0.4, 0.9),
  pdf('bzip2-doc', 'usr/share/doc/bzip2/manual.pdf.gz', 8, 120, 0, 0.5),
  pdf('doxygen-doc', 'usr/share/doc/doxygen/doxygen_manual.pdf', 34, 110, 0.1, 0.6),
  pdf('asymptote-doc', 'usr/share/doc/asymptote/asymptote.pdf', 21, 120, 0, 0.45),
  pdf('pari-doc', 'usr/share/pari/doc/users.pdf', 30, 120, 0.1, 0.55),
  pdf('sbcl-doc', 'usr/share/doc/sbcl/sbcl.pdf.gz', 31, 110, 0, 0.5),
  pdf('graphviz-doc', 'usr/share/doc/graphviz/pdf/dotguide.pdf.gz', 6, 100, 0, 0.7),
  pdf('debian-reference-en', 'usr/share/debian-reference/debian-reference.en.pdf', 41, 120, 0.2, 0.6),
  pdf(
    'installation-guide-amd64',
    'usr/share/doc/installation-guide-amd64/en/install.en.pdf.gz',
    20,
    120,
    0,
    0.5,
  ),
  pdf('xfig-doc', 'usr/share/doc/xfig/xfig-howto.pdf', 8, 110, 0, 0.6),
  pdf('valgrind', 'usr/share/doc/valgrind/valgrind_manual.pdf.gz', 21, 120, 0.05, 0.5),

  man('coreutils', 'man1/cat.1', [80, 30], 4, 'gnome', 'DejaVu Sans Mono', 15),
  man('coreutils', 'man1/wc.1', [80, 28], 12, 'xterm', 'Noto Mono', 15),
  man('coreutils', 'man1/head.1', [78, 28], 8, 'solarized', 'Hack', 16),
  man('coreutils', 'man1/uniq.1', [84, 30], 10, 'putty', 'DejaVu Sans Mono', 15),
  man('coreutils', 'man1/nl.1', [80, 26], 10, 'konsole', 'Hack', 15),
  man('coreutils', 'man1/df.1', [90, 32], 14, 'tango', 'DejaVu Sans Mono', 14),
  man('grep', 'man1/grep.1', [80, 26], 60, 'xterm', 'DejaVu Sans Mono', 16),
  man('sed', 'man1/sed.1', [80, 30], 20, 'gnome', 'Noto Mono', 15),
  man('findutils', 'man1/xargs.1', [76, 26], 0, 'konsole', 'DejaVu Sans Mono', 16),
  man('diffutils', 'man1/cmp.1', [80, 30], 0, 'putty', 'Noto Mono', 16),
  man('diffutils', 'man1/diff.1', [80, 28], 8, 'solarized', 'DejaVu Sans Mono', 15),
  man('tree', 'man1/tree.1', [84, 28], 20, 'tango', 'Hack', 15),
  man('procps', 'man1/free.1', [80, 30], 0, 'xterm', 'Hack', 15),
  man('procps', 'man1/watch.1', [80, 26], 8, 'gnome', 'DejaVu Sans Mono', 16),
  man('psmisc', 'man1/killall.1', [78, 30], 0, 'konsole', 'Noto Mono', 15),
  man('gzip', 'man1/gzip.1', [80, 28], 60, 'xterm', 'DejaVu Sans Mono', 15),
  man('wget', 'man1/wget.1', [80, 28], 40, 'putty', 'Hack', 15),
  man('jq', 'man1/jq.1', [84, 28], 0, 'solarized', 'Noto Mono', 15),
  man('bsdextrautils', 'man1/column.1', [80, 28], 0, 'gnome', 'Hack', 16),
  man('dpkg', 'man1/dpkg-deb.1', [80, 28], 0, 'tango', 'Noto Mono', 15),
  man('file', 'man1/file.1', [80, 26], 0, 'xterm', 'Noto Mono', 16),
  man('tmux', 'man1/tmux.1', [80, 26], 0, 'konsole', 'DejaVu Sans Mono', 15),

  web('python3.11-doc', 'doc/python3.11/html/library/os.path.html', 1000, 640),
  web(
    'python3.11-doc',
    'doc/python3.11/html/library/stdtypes.html',
    1000,
    640,
    'numeric-types-int-float-complex',
  ),
  web('python3.11-doc', 'doc/python3.11/html/library/json.html', 960, 640, 'encoders-and-decoders'),
  web('python3.11-doc', 'doc/python3.11/html/library/array.html', 960, 700),
  web('python3.11-doc', 'doc/python3.11/html/library/struct.html', 960, 640, 'format-characters'),
  web('python-django-doc', 'doc/python-django-doc/html/intro/install.html', 1024, 700),
  web('python-django-doc', 'doc/python-django-doc/html/faq/install.html', 960, 640),
  web('sqlite3-doc', 'doc/sqlite3/datatype3.html', 900, 640, 'determination_of_column_affinity'),
  web('sqlite3-doc', 'doc/sqlite3/limits.html', 900, 640),
  web('git-doc', 'doc/git-doc/git-stash.html', 900, 640),
  web('git-doc', 'doc/git-doc/git-tag.html', 900, 640, '_options'),
  web('cmake-doc', 'doc/cmake-data/html/manual/cmake.1.html', 1024, 640),
  web('valgrind', 'doc/valgrind/html/ms-manual.html', 900, 640),
  web('debian-handbook', 'doc/debian-handbook/html/en-US/sect.backup.html', 1000, 680),
  web('debian-handbook', 'doc/debian-handbook/html/en-US/preface.html', 1000, 680),
  web('exim4-doc-html', 'doc/exim4-doc-html/spec_html/ch24.html', 900, 640),
  web('r-doc-html', 'doc/r-doc-html/manual/R-data.html', 900, 640, 'Imports'),
  web('libeigen3-doc', 'doc/libeigen3-dev/html/group__TutorialMatrixClass.html', 1100, 680),
  web('gimp-help-en', 'gimp/2.0/help/en/gimp-file-open.html', 900, 640),
  web('debian-policy', 'doc/debian-policy/policy.html/ch-archive.html', 1024, 680),
  web('developers-reference', 'developers-reference/beyond-pkging.html', 1024, 640),
  web('installation-guide-amd64', 'doc/installation-guide-amd64/en/ch03s04.html', 860, 600),
  web('debian-reference-en', 'debian-reference/ch07.en.html', 960, 640),
  web('asymptote-doc', 'doc/asymptote/html/Frames-and-pictures.html', 860, 600),
  web('libfftw3-doc', 'doc/libfftw3-dev/html/Guru-Interface.html', 860, 560),
]

/** What a picture is called: the same for the same file shown in the same way. */
export function pictureName(source: Source): string {
  const digest = createHash('sha256').update(JSON.stringify(source)).digest('hex').slice(0, 6)
  const name = basename(source.file)
    .replace(/\.(gz|pdf|html)/g, '')
    .replace(/[^\w.-]/g, '-')
  return `${source.sort}-${name}-${digest}.png`
}
