// What is well in this installation and what is not, for its administrators.

import { useEffect, useState } from 'preact/hooks'
import { type Health, type State, readStatus } from '../api'
import { moment } from '../format'
import { usePlace } from '../place'
import { Failed, Loading } from '../ui/card'
import { Icon } from '../ui/icon'

const every = 5_000

const heads: Record<State, string> = {
  well: 'All is well.',
  watch: 'It works, and something needs a look.',
  wrong: 'Something does not work.',
}

const names: Record<State, string> = { well: 'Well', watch: 'Needs a look', wrong: 'Wrong' }

export function Status() {
  const place = usePlace()
  const [health, setHealth] = useState<Health>()
  const [failure, setFailure] = useState('')
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    const ask = () => {
      if (document.visibilityState !== 'visible') return
      readStatus(stop.signal).then(
        (health) => { setHealth(health); setFailure('') },
        (failure: Error) => stop.signal.aborted || setFailure(failure.message),
      )
    }
    ask()
    const timer = setInterval(ask, every)
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [attempt])
  return (
    <section class="card wide status" aria-label="Status">
      <header><h1>Status of Parley</h1></header>
      {failure && <Failed message={failure} again={() => setAttempt(attempt + 1)} old={health !== undefined} />}
      {!health && !failure && <Loading />}
      {health && (
        <div class="content">
          <p class={`verdict ${health.state}`} role="status"><Icon name={health.state} />{heads[health.state]} <span class="note">As of {moment(health.at, place.zone)}.</span></p>
          <ul class="checks">
            {health.checks.map((check) => (
              <li key={check.name} class={check.state}>
                <Icon name={check.state} />
                <div><h2>{check.name}<span class="sr">: {names[check.state]}</span></h2><p>{check.text}</p></div>
              </li>
            ))}
            {Object.entries(health.notes ?? {}).map(([part, text]) => <li key={part} class="watch"><Icon name="watch" /><div><h2>{part}</h2><p>{text}</p></div></li>)}
          </ul>
        </div>
      )}
    </section>
  )
}
