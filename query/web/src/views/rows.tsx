// The rows behind a figure: exactly those that it counts.

import { useEffect, useState } from 'preact/hooks'
import { Failure, Name, field, run } from '../api'
import { type Data, query, statementOf, useData } from '../data'
import { count, duration, moment, money, words } from '../format'
import { type Place, usePlace } from '../place'
import { Card } from '../ui/card'
import { chosen } from '../ui/choice'
import { Icon } from '../ui/icon'

interface Conversation {
  id: string
  project: { id: number }
  createdAt: string
  closedAt: string | null
  channel: string
  users: { id: number; name: string | null }[]
  contactCount: number
  firstResponseTimeMs: number | null
  resolutionTimeMs: number | null
  satisfactionSurvey: { customerSatisfaction: number | null; netPromoterScore: number | null } | null
  revenue: { currency: string; amount: number }[]
  tags: { id: string; name: string | null }[]
}

interface Contact {
  id: string
  project: { id: number }
  conversation: { id: string }
  startedAt: string
  channel: string
  operator: { id: number; name: string | null; kind: string | null }
  status: string
  ending: string | null
  waitTimeMs: number | null
  firstResponseTimeMs: number | null
  durationMs: number | null
}

interface Page<T> {
  list: { sql: string | null; totalCount: number; edges: { node: T }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
}

const ofConversation = 'id project {id} createdAt closedAt channel users {id name} contactCount firstResponseTimeMs resolutionTimeMs satisfactionSurvey {customerSatisfaction netPromoterScore} revenue {currency amount} tags {id name}'
const ofContact = 'id project {id} conversation {id} startedAt channel operator {id name kind} status ending waitTimeMs firstResponseTimeMs durationMs'

const states = { OPEN: 'Open', SNOOZED: 'Snoozed', WAITING: 'Waiting' }

/** What the address asks for: a reference of metrics, or conversations by their present state. */
function question(place: Place, after?: string) {
  const of = place.get('of') ?? 'conversations'
  const rows = place.get('rows')
  const filters = rows ? { rows } : place.filters
  const interval = { from: place.get('since') ?? place.interval.from, to: place.get('until') ?? place.interval.to }
  const page = { first: 50, after }
  const frame = (node: string) => `sql totalCount edges {node {${node}}} pageInfo {hasNextPage endCursor}`
  switch (of) {
    case 'contacts':
      return field('contacts', { filters, interval, orderBy: new Name('STARTED_AT_DESC'), ...page }, frame(ofContact))
    case 'created':
      return field('conversations', { filters, interval: { ...interval, from: new Date(0).toISOString() }, orderBy: new Name('CREATED_AT_DESC'), ...page }, frame(ofConversation))
    case 'open':
      return field('conversations', {
        filters, interval, state: new Name(chosen(states, place.get('state'))), contactFilters: place.get('ongoing') ? { ongoing: true } : undefined,
        orderBy: new Name('CREATED_AT_ASC'), ...page,
      }, frame(ofConversation))
  }
  return field('closedConversations', { filters, interval, orderBy: new Name('CLOSED_AT_DESC'), ...page }, frame(ofConversation))
}

export function Rows() {
  const place = usePlace()
  const of = place.get('of') === 'contacts' ? 'contacts' : 'conversations'
  const answer = useData<Page<Conversation | Contact>>(query({ list: question(place) }))
  const [more, setMore] = useState<Page<Conversation | Contact>[]>([])
  const [failure, setFailure] = useState<Failure>()
  const [loading, setLoading] = useState(false)
  useEffect(() => setMore([]), [answer.data])

  const pages = answer.data ? [answer.data, ...more] : []
  const nodes = pages.flatMap((page) => page.list.edges.map(({ node }) => node))
  const last = pages.at(-1)?.list.pageInfo
  const load = async () => {
    setLoading(true)
    try {
      const next = await run<Page<Conversation | Contact>>(query({ list: question(place, last!.endCursor!) }))
      setMore((before) => [...before, next])
      setFailure(undefined)
    } catch (failure) {
      setFailure(failure as Failure)
    }
    setLoading(false)
  }
  const shown: Data<Page<Conversation | Contact>> = { ...answer, failure: failure ?? answer.failure }
  const total = answer.data?.list.totalCount
  return (
    <>
      <Back view={place.get('back') ?? 'volume'} />
      <Card
        title={place.get('title') ?? 'Rows'} main wide tall data={shown} sql={({ list }) => statementOf(list)} empty={(data) => !data.list.edges.length}
        note={total === undefined ? undefined : `${count(total)} ${total === 1 ? of.slice(0, -1) : of}`}
        controls={place.get('of') !== 'open' && <a class="button" href={csvHref(place, of)} download><Icon name="download" />CSV</a>}
      >
        {() => (
          <>
            <div class="scroll" tabIndex={0} role="region" aria-label="Table of rows">
              {of === 'contacts' ? <Contacts rows={nodes as Contact[]} /> : <Conversations rows={nodes as Conversation[]} />}
            </div>
            {last?.hasNextPage && <button type="button" class="quiet" disabled={loading} onClick={load}>{loading ? 'Loading…' : `Show more (${count(nodes.length)} of ${count(total)})`}</button>}
          </>
        )}
      </Card>
    </>
  )
}

function csvHref(place: Place, of: string): string {
  const parameters = new URLSearchParams({ format: 'csv' })
  if (place.get('of') !== 'created') {
    parameters.set('from', place.get('since') ?? place.interval.from)
    parameters.set('to', place.get('until') ?? place.interval.to)
  }
  const rows = place.get('rows')
  if (rows) parameters.set('rows', rows)
  return `/v1/export/${of}?${parameters}`
}

export function Back({ view }: { view: string }) {
  const place = usePlace()
  const name = view === 'rows' ? 'the list' : view.charAt(0).toUpperCase() + view.slice(1)
  return <p class="crumbs"><a href={place.to(view)} onClick={(event) => history.length > 1 && (event.preventDefault(), event.stopPropagation(), history.back())}><Icon name="back" />Back to {name}</a></p>
}

/** Columns that are no figures. */
const texts = ['Operators', 'Operator', 'Tags']

const text = (values: (string | number)[]) => values.join(', ') || '–'

function Conversations({ rows }: { rows: Conversation[] }) {
  const place = usePlace()
  return (
    <table class="plain rows">
      <thead><tr>{['Created', 'Closed', 'Channel', 'Operators', 'Contacts', 'First response', 'Resolution', 'CSAT', 'Revenue', 'Tags'].map((name) => <th key={name} scope="col" class={texts.includes(name) ? 'text' : ''}>{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.project.id} ${row.id}`}>
            <th scope="row"><a href={place.to('conversation', { of: String(row.project.id), id: row.id, back: 'rows' })}>{moment(row.createdAt, place.zone)}</a></th>
            <td>{row.closedAt ? moment(row.closedAt, place.zone) : <span class="badge live">open</span>}</td>
            <td>{words(row.channel)}</td>
            <td class="text">{text(row.users.map((user) => user.name ?? user.id))}</td>
            <td>{count(row.contactCount)}</td>
            <td>{duration(row.firstResponseTimeMs)}</td>
            <td>{duration(row.resolutionTimeMs)}</td>
            <td>{row.satisfactionSurvey?.customerSatisfaction ?? '–'}</td>
            <td>{text(row.revenue.map(({ amount, currency }) => money(amount, currency)))}</td>
            <td class="text">{text(row.tags.map((tag) => tag.name ?? tag.id))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Contacts({ rows }: { rows: Contact[] }) {
  const place = usePlace()
  return (
    <table class="plain rows">
      <thead><tr>{['Started', 'Operator', 'Channel', 'Status', 'Ending', 'Wait', 'First response', 'Duration'].map((name) => <th key={name} scope="col" class={texts.includes(name) ? 'text' : ''}>{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.project.id} ${row.id}`}>
            <th scope="row"><a href={place.to('conversation', { of: String(row.project.id), id: row.conversation.id, back: 'rows' })}>{moment(row.startedAt, place.zone)}</a></th>
            <td class="text">{row.operator.name ?? row.operator.id}</td>
            <td>{words(row.channel)}</td>
            <td><span class={`badge ${row.status === 'ONGOING' ? 'live' : row.status === 'UNANSWERED' ? 'bad' : ''}`}>{words(row.status)}</span></td>
            <td>{row.ending ? words(row.ending) : '–'}</td>
            <td>{duration(row.waitTimeMs)}</td>
            <td>{duration(row.firstResponseTimeMs)}</td>
            <td>{duration(row.durationMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

