/** The picture formats that Panoptes decodes. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif'

/** What some bytes are: a picture that can be decoded, or something else, with what to do about it. */
export type Sniffed = { readonly format: ImageFormat } | { readonly looksLike: string; readonly fix: string }

const accepted = 'JPEG, PNG, WebP, AVIF, TIFF or GIF'

/** The first bytes of each kind of file, at an offset where they do not stand at the start. */
const pictures: readonly (readonly [ImageFormat, string, number?])[] = [
  ['jpeg', '\xff\xd8\xff'],
  ['png', '\x89PNG\r\n\x1a\n'],
  ['webp', 'WEBP', 8],
  ['avif', 'ftypavif', 4],
  ['avif', 'ftypavis', 4],
  ['tiff', 'II*\0'],
  ['tiff', 'MM\0*'],
  ['tiff', 'II+\0'],
  ['tiff', 'MM\0+'],
  ['gif', 'GIF87a'],
  ['gif', 'GIF89a'],
]

const convert = `Convert it to ${accepted} first.`
const others: readonly (readonly [looksLike: string, magic: string, fix: string, offset?: number])[] = [
  ['a PDF document', '%PDF-', 'Turn its pages into pictures first.'],
  ['an iPhone HEIC picture', 'ftypheic', 'Export it as JPEG first.', 4],
  ['an iPhone HEIC picture', 'ftypheix', 'Export it as JPEG first.', 4],
  ['a HEIF picture', 'ftypmif1', 'Export it as JPEG or AVIF first.', 4],
  ['a video', 'ftyp', 'Take its frames as pictures first.', 4],
  ['a video', '\x1a\x45\xdf\xa3', 'Take its frames as pictures first.'],
  ['a BMP picture', 'BM', convert],
  ['a Windows icon', '\0\0\x01\0', convert],
  ['a Photoshop document', '8BPS', convert],
  ['a JPEG XL picture', '\xff\x0a', convert],
  ['a JPEG XL picture', '\0\0\0\x0cJXL ', convert],
  ['a JPEG 2000 picture', '\0\0\0\x0cjP  ', convert],
  ['a ZIP archive', 'PK\x03\x04', 'Unpack it and pass one of its pictures.'],
  ['a gzip archive', '\x1f\x8b', 'Unpack it and pass one of its pictures.'],
]

/** Tells a picture from anything else by its first bytes; the file's name is never asked. */
export function sniffImage(bytes: Uint8Array): Sniffed {
  for (const [format, magic, offset] of pictures) if (startsWith(bytes, magic, offset)) return { format }
  for (const [looksLike, magic, fix, offset] of others)
    if (startsWith(bytes, magic, offset)) return { looksLike, fix }
  const head = new TextDecoder('utf-8').decode(bytes.subarray(0, 1024))
  if (/<svg[\s>]/i.test(head))
    return { looksLike: 'an SVG drawing', fix: 'Render it to PNG at the size you want first.' }
  if (/^\s*<(!doctype html|html)/i.test(head))
    return { looksLike: 'a web page', fix: 'Download the picture itself, not the page that shows it.' }
  if (isText(head)) return { looksLike: 'text', fix: `Pass a ${accepted} file.` }
  return { looksLike: 'unknown binary data', fix: `Pass a ${accepted} file.` }
}

function startsWith(bytes: Uint8Array, magic: string, offset = 0): boolean {
  if (bytes.length < offset + magic.length) return false
  for (let i = 0; i < magic.length; i++) if (bytes[offset + i] !== magic.charCodeAt(i)) return false
  return true
}

/** Printable throughout, with at most a cut character at the end. */
function isText(head: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary data
  return !/[\0-\x08\x0e-\x1f\ufffd]/.test(head.slice(0, -1))
}
