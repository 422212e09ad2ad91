// Signing in, with an e-mail address and a password, or with a key.

import { useState } from 'preact/hooks'
import { type Session, signIn } from '../api'
import { Icon } from '../ui/icon'

export function SignIn({ done, ended }: { done: (session: Session) => void; ended: boolean }) {
  const [byKey, setByKey] = useState(false)
  const [failure, setFailure] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<string, string>
    setBusy(true)
    setFailure('')
    try {
      done(await signIn(given))
    } catch (failure) {
      setFailure((failure as Error).message)
    }
    setBusy(false)
  }
  return (
    <main class="signin">
      <form onSubmit={submit} key={String(byKey)}>
        <h1><Mark />Parley</h1>
        <p class="note">{ended ? 'Your session has ended. Sign in again to go on.' : 'Conversation analytics. Sign in to see your projects.'}</p>
        <div class="segments" role="group" aria-label="Sign in with">
          <button type="button" aria-pressed={!byKey} onClick={() => setByKey(false)}>E-mail</button>
          <button type="button" aria-pressed={byKey} onClick={() => setByKey(true)}>Key</button>
        </div>
        {byKey ? (
          <>
            <label>Key id<input name="client_id" autocomplete="username" spellcheck={false} required placeholder="key_…" /></label>
            <label>Secret<input name="client_secret" type="password" autocomplete="current-password" required placeholder="pks_…" /></label>
          </>
        ) : (
          <>
            <label>E-mail address<input name="username" type="email" autocomplete="username" required /></label>
            <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
          </>
        )}
        {failure && <p class="failed" role="alert">{failure}</p>}
        <button type="submit" class="primary" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
        <p class="note small">
          On a first start, the file <code>admin-key.json</code> in the data directory holds a key. <code>parley user add</code> adds a person.
        </p>
      </form>
      <a class="quiet" href="/graphiql"><Icon name="code" />GraphiQL</a>
    </main>
  )
}

export function Mark() {
  return <img class="mark" src={new URL('../icon.svg', import.meta.url).href} alt="" width="28" height="28" />
}
