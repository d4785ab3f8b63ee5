import { CheckpointError } from '../tensor/errors.ts'
import type { Connection } from './connection.ts'

/**
 * The error for a response that no retry will change. The hub says why in X-Error-Code; a mirror may not, and
 * for someone without a token the hub answers 401 for a repository that does not exist, so the sentences name
 * both causes where they cannot be told apart.
 */
export async function refusal(
  connection: Pick<Connection, 'endpoint' | 'token'>,
  url: string,
  response: Response,
): Promise<CheckpointError> {
  const { status } = response
  await response.body?.cancel()
  const reason = response.headers.get('x-error-code') ?? ''
  const said = (response.headers.get('x-error-message') ?? '').slice(0, 300)
  const { id, revision } = subjectOf(connection.endpoint, url)
  const data = { id, revision, status, reason, url: withoutQuery(url) }
  const page = `${connection.endpoint}/${id}`
  const { token } = connection
  const tokens = `${connection.endpoint}/settings/tokens`

  if (reason === 'GatedRepo' || (status === 403 && /gated|restricted/i.test(said))) {
    const fix = token
      ? `Your token is known but has not been granted access: open ${page}, accept the terms, and pull again.`
      : `Open ${page}, accept the terms, then set HF_TOKEN to an access token (${tokens}).`
    return new CheckpointError('hub-gated', `${id} is gated (HTTP ${status}). ${fix}`, data)
  }
  if (status === 401 && token && reason !== 'RepoNotFound') {
    return new CheckpointError(
      'hub-token-refused',
      `The hub refused the access token (HTTP 401). Make a new one at ${tokens} ` +
        'and set HF_TOKEN to it, or unset HF_TOKEN for a public model.',
      data,
    )
  }
  if (reason === 'RevisionNotFound') {
    return new CheckpointError(
      'hub-revision-missing',
      `${id} has no revision "${revision}". Leave the revision out for main, or see the branches and tags ` +
        `at ${page}/tree/main.`,
      data,
    )
  }
  if (reason === 'EntryNotFound') {
    return new CheckpointError(
      'hub-file-missing',
      `${id} lists a file that it does not have: ${data.url}. Pull again; if that fails, tell its owner.`,
      data,
    )
  }
  if (status === 401 || status === 404) {
    const fix = token
      ? 'Check the spelling, and that your token may read it if it is private.'
      : 'Check the spelling; if it is private, set HF_TOKEN to an access token that may read it.'
    const what = revision && revision !== 'main' ? `${id}, or it has no revision "${revision}"` : id
    return new CheckpointError(
      'hub-model-missing',
      `The hub has no model ${what} (HTTP ${status}). ${fix}`,
      data,
    )
  }
  return new CheckpointError(
    'hub-refused',
    `The hub refused ${data.url} with HTTP ${status}${said ? `: ${said}` : ''}. ` +
      `Open ${page} in a browser to see whether the model is still offered to you.`,
    data,
  )
}

/** The model and revision that a hub address is about. */
function subjectOf(endpoint: string, url: string): { id: string; revision: string | undefined } {
  const path = withoutQuery(url).slice(endpoint.length)
  const match =
    /^\/api\/models\/(.+?)\/(?:revision|tree)\/([^/]+)/.exec(path) ?? /^\/(.+?)\/resolve\/([^/]+)/.exec(path)
  return { id: match?.[1] ?? path.slice(1), revision: match?.[2] && decodeURIComponent(match[2]) }
}

/** Addresses of the hub's storage carry signatures behind the question mark, which no log should show. */
function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}
