// What is going on at this moment.

import { useEffect, useState } from 'preact/hooks'
import { Name, field } from '../api'
import { Bars } from '../charts/bars'
import { Timeline } from '../charts/timeline'
import { addDays, dateOf, startOf } from '../calendar'
import { type Bucket, type Metrics, type Statements, metrics, query, statementOf, statementsOf, useData } from '../data'
import { behind, counts, listOf, nameOf } from '../figures'
import { compact, count, csat, duration, since, stepName, words } from '../format'
import { type Place, usePlace } from '../place'
import { Card, Failed } from '../ui/card'
import { rowsHref } from '../ui/drill'
import { Menu } from '../ui/menu'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'

const gather = 1_000 // changes of a second are shown together
const refreshEvery = 5_000 // without the feed
const quietTicks = 6 // of these, after which times move on although nothing has changed
const look = 400 // days that an open conversation may be old

/** The time of the last change of a conversation that the place shows, or a later one: it moves on while the page is seen. */
function useFeed(place: Place): number {
  const [now, setNow] = useState(() => Date.now())
  const changes = `subscription {${field('conversations', { filters: place.filters }, 'position')}}`
  useEffect(() => {
    let soon = 0
    let quiet = 0
    const show = () => {
      soon = quiet = 0
      if (document.visibilityState === 'visible') setNow(Date.now())
    }
    const feed = new EventSource(`/graphql?query=${encodeURIComponent(changes)}`)
    feed.addEventListener('next', () => (soon ||= window.setTimeout(show, gather)))
    const timer = setInterval(() => (feed.readyState !== EventSource.OPEN || ++quiet >= quietTicks) && show(), refreshEvery)
    return () => {
      feed.close()
      clearInterval(timer)
      clearTimeout(soon)
    }
  }, [changes])
  return now
}

interface Open extends Counted {
  edges: { node: { id: string; project: { id: number }; createdAt: string; channel: string; contactCount: number; contacts: { endedAt: string | null }[]; routingEvents: { createdAt: string; routingRule: { name: string | null; id: string } }[] } }[]
}

interface Counted {
  totalCount: number
  sql: string | null
}

/** The hours that today's figures are compared in. */
function today(place: Place, now: number) {
  const from = startOf(place.zone, dateOf(place.zone, now))
  const to = Math.ceil(now / 60_000) * 60_000
  const before = startOf(place.zone, addDays(dateOf(place.zone, now), -7))
  return {
    now: { from: new Date(from).toISOString(), to: new Date(Math.max(to, from + 60_000)).toISOString() },
    before: { from: new Date(before).toISOString(), to: new Date(before + Math.max(to - from, 60_000)).toISOString() },
  }
}

export function Now() {
  const place = usePlace()
  const now = useFeed(place)
  const hours = today(place, now)
  const all = { from: new Date(Math.floor(now / 86_400_000 - look) * 86_400_000).toISOString(), to: new Date(Math.ceil(now / 86_400_000) * 86_400_000).toISOString() }
  const list = (state: string, more: Record<string, unknown>, selection: string) =>
    field('conversations', { filters: place.filters, interval: all, state: new Name(state), ...more }, selection)
  const conversation = (node: { id: string; project: { id: number } }) => place.to('conversation', { of: String(node.project.id), id: node.id, back: 'now' })
  const rows = (state: string, title: string, extra: Record<string, string> = {}) => place.to('rows', { of: 'open', state, title, since: all.from, until: all.to, back: 'now', ...extra })

  const answer = useData<{ open: Counted; snoozed: Counted; talking: { sql: string | null }; waiting: Open }>(query({
    open: list('OPEN', {}, 'sql totalCount'),
    snoozed: list('SNOOZED', {}, 'sql totalCount'),
    talking: list('OPEN', { contactFilters: { ongoing: true } }, 'sql'),
    waiting: list('WAITING', { first: 100 }, 'sql totalCount edges {node {id project {id} createdAt channel contactCount contacts {endedAt} routingEvents {createdAt routingRule {id name}}}}'),
  }), now)
  // The states are what is looked at first: nothing else is asked before they are there.
  const wait = !answer.data && !answer.failure
  const day = useData<{ today: Metrics; before: Metrics }>(query({
    today: metrics(place, { interval: hours.now }, `total {sql ${counts('closedConversations', 'contacts', 'abandonedConversations', 'surveyAnswers')} csat wait {count medianMs rows}}`),
    before: metrics(place, { interval: hours.before }, 'total {closedConversations contacts abandonedConversations csat wait {medianMs}}'),
  }), now, wait)
  const waiting = (data: { waiting: Open }) => data.waiting.edges.map(({ node }) => ({ node, since: waitingSince(node) })).sort((a, b) => a.since - b.since)
  const { data } = answer
  const longest = data && waiting(data)[0]
  // An open conversation is snoozed, waits, or is with an operator.
  const talking = data && data.open.totalCount - data.snoozed.totalCount - data.waiting.totalCount
  return (
    <>
      <div class="tiles states">
        {data && (
          <>
            <State name="Open" of={answer} sql={statementOf(data.open)} value={count(data.open.totalCount)} href={data.open.totalCount ? rows('OPEN', 'Open conversations') : undefined} />
            <State name="With an operator" of={answer} sql={statementOf(data.talking)} value={count(talking)} href={talking ? rows('OPEN', 'Conversations with an operator', { ongoing: 'yes' }) : undefined} />
            <State name="Snoozed" of={answer} sql={statementOf(data.snoozed)} value={count(data.snoozed.totalCount)} href={data.snoozed.totalCount ? rows('SNOOZED', 'Snoozed conversations') : undefined} />
            <State name="Waiting" of={answer} sql={statementOf(data.waiting)} value={count(data.waiting.totalCount)} href={data.waiting.totalCount ? rows('WAITING', 'Waiting conversations') : undefined} />
            <State name="Longest wait" of={answer} sql={statementOf(data.waiting)} value={duration(longest ? now - longest.since : null)} href={longest && conversation(longest.node)} />
          </>
        )}
      </div>
      <h2 class="section">Today so far <small>compared with the same day last week</small></h2>
      {day.failure && <Failed message={day.failure.message} again={day.reload} old={day.data !== undefined} />}
      <div class="tiles" aria-busy={day.loading}>
        {day.data && (
          <>
            <Tile of={day} sql={statementOf(day.data.today.total)} name="Closed conversations" value={count(day.data.today.total.closedConversations)} now={day.data.today.total.closedConversations} before={day.data.before.total.closedConversations} rows={behind(day.data.today.total, 'closedConversations')} />
            <Tile of={day} sql={statementOf(day.data.today.total)} name="Contacts" value={count(day.data.today.total.contacts)} now={day.data.today.total.contacts} before={day.data.before.total.contacts} rows={behind(day.data.today.total, 'contacts')} />
            <Tile of={day} sql={statementOf(day.data.today.total)} name="Wait, median" value={duration(day.data.today.total.wait.medianMs)} now={day.data.today.total.wait.medianMs} before={day.data.before.total.wait.medianMs} better="less" rows={{ of: 'contacts', rows: day.data.today.total.wait.rows, count: day.data.today.total.wait.count }} />
            <Tile of={day} sql={statementOf(day.data.today.total)} name="Abandoned" value={count(day.data.today.total.abandonedConversations)} now={day.data.today.total.abandonedConversations} before={day.data.before.total.abandonedConversations} better="less" rows={behind(day.data.today.total, 'abandonedConversations')} />
            <Tile of={day} sql={statementOf(day.data.today.total)} name="CSAT" value={csat(day.data.today.total.csat)} points now={day.data.today.total.csat} before={day.data.before.total.csat} better="more" hint={`${count(day.data.today.total.surveyAnswers)} answers`} rows={behind(day.data.today.total, 'surveyAnswers')} />
          </>
        )}
      </div>
      <Operators all={all} now={now} wait={wait} />
      <Card title="Waiting longest" data={answer} sql={({ waiting }) => statementOf(waiting)} empty={(data) => !waiting(data).length} nothing="Nobody waits.">
        {(data) => (
          <ul class="plainlist">
            {waiting(data).slice(0, 8).map(({ node, since }) => (
              <li key={`${node.project.id} ${node.id}`}>
                <a href={conversation(node)}>
                  <b>{duration(now - since)}</b><span>{words(node.channel)}</span><span>{nameOfRule(node)}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <LastDay now={now} wait={wait} />
      <Latest now={now} wait={wait} />
    </>
  )
}

/** Since when a conversation without an operator waits: its last routing after the last contact, or that contact's end. */
function waitingSince(node: Open['edges'][number]['node']): number {
  const ended = Math.max(0, ...node.contacts.map((contact) => Date.parse(contact.endedAt!)))
  const routed = node.routingEvents.map((event) => Date.parse(event.createdAt)).filter((at) => at >= ended)
  return Math.max(...routed, ended) || Date.parse(node.createdAt)
}

function nameOfRule(node: Open['edges'][number]['node']): string {
  const rule = node.routingEvents.at(-1)?.routingRule
  return rule ? rule.name ?? rule.id : 'Not routed'
}

interface StateProps {
  name: string
  value: string
  href?: string
  of: { document: string }
  sql: Statements
}

function State({ name, value, href, of, sql }: StateProps) {
  return (
    <div class="tile state">
      <h2>{name}</h2>
      <p class="figure">{href ? <a class="drill" href={href} aria-label={`${name}: ${value}`}>{value}</a> : value}</p>
      <Menu title={name} document={of.document} sql={sql} />
    </div>
  )
}

/** Who has how many contacts at the moment. */
function Operators({ all, now, wait }: { all: { from: string; to: string }; now: number; wait: boolean }) {
  const place = usePlace()
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { interval: all, contactFilters: { ongoing: true }, groupBy: ['OPERATOR'] }, `sql buckets {dimensions {name value label} ${counts('contacts')}}`) }), now, wait)
  const busy = (data: Metrics) => data.buckets.filter((bucket) => bucket.contacts).sort((a, b) => b.contacts - a.contacts)
  return (
    <Card title="Open contacts per operator" data={answer} sql={({ metrics }) => statementsOf(metrics, { contacts: 'Contacts' })} empty={({ metrics }) => !busy(metrics).length} nothing="No operator has a contact.">
      {({ metrics }) => (
        <Bars label="Open contacts per operator" color={3} bars={busy(metrics).map((bucket) => {
          const name = nameOf(bucket.dimensions[0]!)
          return { key: String(bucket.dimensions[0]!.value), name, value: bucket.contacts, text: count(bucket.contacts), href: rowsHref(place, 'contacts', bucket.contactsRows, `Open contacts: ${name}`, all) }
        })} />
      )}
    </Card>
  )
}

function LastDay({ now, wait }: { now: number; wait: boolean }) {
  const place = usePlace()
  const to = Math.ceil(now / 3_600_000) * 3_600_000
  const interval = { from: new Date(to - 24 * 3_600_000).toISOString(), to: new Date(to).toISOString() }
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics({ ...place, step: 'HOUR' }, { interval, step: true }, `sql buckets {from to ${counts('contacts', 'closedConversations')}}`) }), now, wait)
  const rows = (bucket: Bucket | undefined, name: string) =>
    bucket?.[name] ? rowsHref(place, listOf(name), bucket[`${name}Rows`], `${name === 'contacts' ? 'Contacts' : 'Closed conversations'}, ${stepName(bucket.from!, 'HOUR', place.zone)}`, interval) : undefined
  return (
    <Card title="Last 24 hours" wide data={answer} sql={({ metrics }) => statementsOf(metrics, { contacts: 'Contacts started', closedConversations: 'Conversations closed' })}
      table={({ metrics }) => (
        <SimpleTable head={['Hour', 'Contacts started', 'Conversations closed']} rows={metrics.buckets.map((bucket) => [
          stepName(bucket.from!, 'HOUR', place.zone), ...['contacts', 'closedConversations'].map((name) => ({ text: count(bucket[name]), href: rows(bucket, name) })),
        ])} />
      )}
    >
      {({ metrics }) => (
        <Timeline label="Contacts and closed conversations by hour" from={metrics.buckets.map((bucket) => bucket.from!)} format={count} axis={compact} height={180} step="HOUR"
          href={(index) => rows(metrics.buckets[index], 'contacts')}
          series={[
            { name: 'Contacts started', color: 1, bars: true, values: metrics.buckets.map((bucket) => bucket.contacts) },
            { name: 'Conversations closed', color: 2, values: metrics.buckets.map((bucket) => bucket.closedConversations) },
          ]} />
      )}
    </Card>
  )
}

interface Begun {
  conversations: { sql: string | null; edges: { node: { id: string; project: { id: number }; createdAt: string; closedAt: string | null; channel: string; users: { name: string | null; id: number }[]; contactCount: number } }[] }
}

function Latest({ now, wait }: { now: number; wait: boolean }) {
  const place = usePlace()
  const minute = Math.ceil(now / refreshEvery) * refreshEvery
  const answer = useData<Begun>(query({
    conversations: field('conversations', { filters: place.filters, interval: { from: new Date(minute - look * 86_400_000).toISOString(), to: new Date(minute).toISOString() }, orderBy: new Name('CREATED_AT_DESC'), first: 10 },
      'sql edges {node {id project {id} createdAt closedAt channel contactCount users {id name}}}'),
  }), now, wait)
  return (
    <Card title="Latest conversations" wide data={answer} sql={({ conversations }) => statementOf(conversations)} empty={({ conversations }) => !conversations.edges.length}>
      {({ conversations }) => (
        <ul class="plainlist">
          {conversations.edges.map(({ node }) => (
            <li key={`${node.project.id} ${node.id}`}>
              <a href={place.to('conversation', { of: String(node.project.id), id: node.id, back: 'now' })}>
                <b>{since(node.createdAt, now)}</b><span>{words(node.channel)}</span>
                <span>{node.users.map((user) => user.name ?? user.id).join(', ') || 'No operator yet'}</span>
                <span class={`badge ${node.closedAt ? '' : 'live'}`}>{node.closedAt ? 'closed' : 'open'}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
