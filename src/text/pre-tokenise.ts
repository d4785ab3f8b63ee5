/**
 * How byte-level vocabularies cut text into words before they merge bytes. Python's `regex` module has
 * White_Space for `\s` where JavaScript also takes U+FEFF, and its case-insensitive `s` also takes the long
 * s.
 */

/** Source: transformers 4.45, `tokenization_qwen2.py`. */
export const qwen2Words =
  /'(?:[sS\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/** Source: openai/gpt-2, `encoder.py`. */
export const gpt2Words =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/**
 * Source: openai/CLIP, `simple_tokenizer.py`; its case-insensitivity does not matter, as the text is lower
 * case.
 */
export const clipWords =
  /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu

const hanRanges =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/**
 * CLIP's text before it is cut: control characters dropped, ideographs set apart, NFC, single spaces, lower
 * case. Source: transformers 4.45, `tokenization_clip.py`, `BasicTokenizer`.
 */
export function clipClean(text: string): string {
  return text
    .replace(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '')
    .replace(hanRanges, ' $& ')
    .normalize('NFC')
    .toLowerCase()
    .split(/\p{White_Space}+/u)
    .filter((word) => word !== '')
    .join(' ')
}
