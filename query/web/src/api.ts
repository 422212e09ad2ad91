// The GraphQL API and the session: everything that the page asks the server.

/** A name of an enumeration, which a document writes without quotes. */
export class Name {
  constructor(readonly text: string) {}
}

/** Writes a value as in a GraphQL document. */
export function literal(value: unknown): string {
  if (value instanceof Name) return value.text
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (value !== null && typeof value === 'object') return `{${members(value as Record<string, unknown>)}}`
  return JSON.stringify(value)
}

function members(of: Record<string, unknown>): string {
  return Object.entries(of)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${literal(value)}`)
    .join(', ')
}

/** Writes a field with the arguments that are defined. */
export function field(name: string, given: Record<string, unknown>, selection?: string): string {
  const text = members(given)
  return `${name}${text ? `(${text})` : ''}${selection ? ` {${selection}}` : ''}`
}

/** What went wrong, in words for the reader. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly retryAfter = 0,
  ) {
    super(message)
  }
}

interface Answer {
  data?: unknown
  errors?: { message: string; extensions?: { code?: string; retryAfterMs?: number } }[]
}

const patience = 3 // times that a throttled request is sent again

/** Runs a document. A throttled one is sent again when the server says so. */
export async function run<T>(document: string, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once<T>(document, signal)
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.code !== 'THROTTLED' || attempt === patience) throw failure
      await new Promise((resolve) => setTimeout(resolve, Math.max(failure.retryAfter, 250)))
    }
  }
}

async function once<T>(document: string, signal?: AbortSignal): Promise<T> {
  const response = await reach('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ query: document }),
    signal,
  })
  const answer = (await response.json()) as Answer
  const first = answer.errors?.[0]
  if (first) throw new Failure(first.message, first.extensions?.code ?? 'INTERNAL', first.extensions?.retryAfterMs)
  return answer.data as T
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init)
  } catch (failure) {
    if (init.signal?.aborted) throw failure
    throw new Failure('The server cannot be reached.', 'UNREACHABLE')
  }
}

/** Who is signed in. */
export interface Session {
  authenticated: boolean
  name?: string
  allProjects?: boolean
  projects?: number[]
  administrator?: boolean
}

export async function readSession(): Promise<Session> {
  return (await reach('/session', {})).json()
}

export async function signIn(form: Record<string, string>): Promise<Session> {
  const response = await reach('/session', { method: 'POST', body: new URLSearchParams(form) })
  const body = await response.json()
  if (!response.ok) throw new Failure(refusal(response, body), body.error)
  return body
}

function refusal(response: Response, body: { error_description?: string; message?: string }): string {
  const wait = response.headers.get('Retry-After')
  if (response.status === 429 && wait) return `Too many attempts. Try again in ${wait} s.`
  const text = body.error_description ?? body.message ?? 'The server refused the request.'
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

export async function signOut(): Promise<void> {
  await reach('/session', { method: 'DELETE' })
}

/** What the server says about itself. */
export interface Health {
  at: string
  state: State
  checks: { name: string; state: State; text: string }[]
  notes?: Record<string, string>
}

export type State = 'well' | 'watch' | 'wrong'

export async function readStatus(signal: AbortSignal): Promise<Health> {
  const response = await reach('/v1/status', { signal })
  const body = await response.json()
  if (!response.ok) throw new Failure(refusal(response, body), body.error)
  return body
}
