import type { TokenIdentity } from './prefix-cache.ts'
import type { PreparedConversation } from './system.ts'

/** Tells what stands at each position of a prompt, so that prompts can be compared without their embeddings. */
export class TokenIdentities {
  /** Short names for what was seen: all tile names of a picture are as long as a page. */
  readonly #seen = new Map<string, number>()

  /**
   * The identities of a prompt's positions: ids for text, picture and index for visual tokens, which are equal to
   * nothing where the system does not name its tiles.
   * @param kept the positions that the decoder reads; all by default
   */
  async of(
    prepared: Pick<PreparedConversation, 'promptIds' | 'pictures' | 'tileKeys'>,
    placeholderId: number,
    kept?: readonly number[],
  ): Promise<TokenIdentity[]> {
    const { promptIds, pictures } = prepared
    const keys = await prepared.tileKeys?.()
    const visual: TokenIdentity[] = []
    let firstTile = 0
    for (const { plan, visualTokens } of pictures) {
      const shown = keys && this.#nameOf(keys.slice(firstTile, firstTile + plan.tiles.length))
      firstTile += plan.tiles.length
      for (let i = 0; i < visualTokens; i++) visual.push(shown === undefined ? undefined : `${shown}:${i}`)
    }
    let next = 0
    const all = promptIds.map((id) => (id === placeholderId ? visual[next++] : id))
    return kept ? kept.map((position) => all[position]) : all
  }

  #nameOf(keys: readonly string[]): number {
    const joined = keys.join('\n')
    const known = this.#seen.get(joined) ?? this.#seen.size
    this.#seen.set(joined, known)
    return known
  }
}
