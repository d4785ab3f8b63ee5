/**
 * The name inside an ICC colour profile, such as `Display P3`; undefined when it has none. Tells pictures
 * that are sRGB already, whose bytes need no conversion. Source: ICC.1:2022, sections 7.3, 9.2.41 and 10.15
 * (`desc` as text in version 2, `mluc` as UTF-16 in version 4).
 */
export function iccProfileName(profile: Uint8Array): string | undefined {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength)
  try {
    const tags = Math.min(view.getUint32(128), 100)
    for (let i = 0; i < tags; i++) {
      const entry = 132 + i * 12
      if (ascii(view, entry, 4) === 'desc') return descriptionAt(view, view.getUint32(entry + 4))
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // the profile is cut short
  }
  return undefined
}

function descriptionAt(view: DataView, at: number): string {
  if (ascii(view, at, 4) === 'desc') return ascii(view, at + 12, view.getUint32(at + 8) - 1)
  const length = view.getUint32(at + 20)
  const start = at + view.getUint32(at + 24)
  let name = ''
  for (let i = 0; i < Math.min(length, 256); i += 2) name += String.fromCharCode(view.getUint16(start + i))
  return name
}

function ascii(view: DataView, at: number, length: number): string {
  let text = ''
  for (let i = 0; i < Math.min(length, 256); i++) text += String.fromCharCode(view.getUint8(at + i))
  return text
}
