// The page: who is signed in, where they are, and the view of that place.

import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Session, readSession, signIn, signOut } from './api'
import { ended, forget } from './data'
import { PlaceProvider, followLinks, useAddress } from './place'
import { Failed, Loading } from './ui/card'
import { Chips, Filters } from './ui/filters'
import { Icon } from './ui/icon'
import { Conversation } from './views/conversation'
import { Flow } from './views/flow'
import { Money } from './views/money'
import { Now } from './views/now'
import { People } from './views/people'
import { Quality } from './views/quality'
import { Rows } from './views/rows'
import { Mark, SignIn } from './views/signin'
import { Speed } from './views/speed'
import { Status } from './views/status'
import { Volume } from './views/volume'
import './style.css'

const views: Record<string, { name: string; view: () => preact.VNode }> = {
  now: { name: 'Now', view: () => <Now /> },
  volume: { name: 'Volume', view: () => <Volume /> },
  speed: { name: 'Speed', view: () => <Speed /> },
  quality: { name: 'Quality', view: () => <Quality /> },
  flow: { name: 'Flow', view: () => <Flow /> },
  money: { name: 'Money', view: () => <Money /> },
  people: { name: 'People', view: () => <People /> },
}

/** Views that a figure or a row leads to. */
const details: Record<string, () => preact.VNode> = {
  rows: () => <Rows />,
  conversation: () => <Conversation />,
  status: () => <Status />,
}

/** The session: of the invitation in the address, which is good once, or the one that goes on. */
async function begin(): Promise<Session> {
  const invitation = new URLSearchParams(location.hash.slice(1)).get('invitation')
  if (!invitation) return readSession()
  history.replaceState(null, '', location.pathname + location.search)
  return signIn({ invitation }).catch(readSession)
}

function Page() {
  const [session, setSession] = useState<Session>()
  const [over, setOver] = useState(false)
  const [failure, setFailure] = useState('')
  const ask = () => {
    setFailure('')
    begin().then(setSession, (failure: Error) => setFailure(failure.message))
  }
  useEffect(ask, [])
  useEffect(() => {
    const end = () => {
      setOver(true)
      setSession({ authenticated: false })
    }
    ended.addEventListener('ended', end)
    return () => ended.removeEventListener('ended', end)
  }, [])
  if (failure) return <main class="signin"><Failed message={failure} again={ask} /></main>
  if (!session) return <main class="signin"><Loading /></main>
  if (!session.authenticated) return <SignIn ended={over} done={(session) => { forget(); setOver(false); setSession(session) }} />
  return <Shell session={session} leave={() => signOut().then(() => { forget(); setSession({ authenticated: false }) })} />
}

function Shell({ session, leave }: { session: Session; leave: () => void }) {
  const place = useAddress()
  const detail = details[place.view]
  const current = detail ? place.get('back') ?? (place.view === 'status' ? '' : 'now') : place.view in views ? place.view : 'now'
  const name = views[current]?.name ?? 'Rows'
  useEffect(() => {
    document.title = `${detail ? place.get('title') ?? (place.view === 'status' ? 'Status' : 'Conversation') : name} · Parley`
  }, [place])
  return (
    <PlaceProvider value={place}>
      <div class="shell" onClick={followLinks}>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="bar">
          <a class="brand" href={place.to('now')}><Mark />Parley</a>
          <nav aria-label="Views">
            {Object.entries(views).map(([key, { name }]) => <a key={key} href={place.to(key)} aria-current={key === current ? 'page' : undefined}><Icon name={key} /><span>{name}</span></a>)}
          </nav>
          <div class="who">
            <Theme />
            {session.administrator && <a class="tool" href="/status" title="Status of Parley" aria-label="Status of Parley"><Icon name="status" /></a>}
            <a class="tool" href="/graphiql" title="GraphiQL" aria-label="GraphiQL"><Icon name="code" /></a>
            <span class="name" title={session.allProjects ? 'All projects' : `Projects ${session.projects?.join(', ')}`}>{session.name}</span>
            <button type="button" class="tool" onClick={leave} title="Sign out" aria-label="Sign out"><Icon name="exit" /></button>
          </div>
        </header>
        <main id="main" tabIndex={-1}>
          {!detail && (
            <div class="head">
              <h1>{name}</h1>
              {current === 'now' ? <div class="filters"><Chips /></div> : <Filters />}
            </div>
          )}
          <div class="cards" key={`${place.view}`}>{(detail ?? views[current]?.view ?? views.now!.view)()}</div>
        </main>
      </div>
    </PlaceProvider>
  )
}

/** Light or dark: as the system says, unless the reader chooses. */
function Theme() {
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? system)
  const other = theme === 'dark' ? 'light' : 'dark'
  const change = () => {
    localStorage.setItem('theme', other)
    document.documentElement.dataset.theme = other
    setTheme(other)
  }
  return <button type="button" class="tool" onClick={change} title={`Change to ${other}`} aria-label={`Change to ${other}`}><Icon name={other} /></button>
}

const theme = localStorage.getItem('theme')
if (theme) document.documentElement.dataset.theme = theme
render(<Page />, document.getElementById('app')!)
