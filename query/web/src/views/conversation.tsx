// One conversation: its life on one time axis, and the events behind each of its numbers.

import { useState } from 'preact/hooks'
import { field } from '../api'
import { Lifeline } from '../charts/lifeline'
import { type Statements, query, useData } from '../data'
import { duration, moment, none, precise, words } from '../format'
import { usePlace } from '../place'
import { Card } from '../ui/card'
import { Back } from './rows'

export interface Event {
  sequence: number
  id: string
  source: string
  type: string
  time: string
  receivedAt: string
  contactId: string | null
}

interface Explained {
  name: string
  value: string | null
  sequences: number[]
}

export interface Contact {
  id: string
  ordinal: number
  startedAt: string
  endedAt: string | null
  status: string
  ending: string | null
  operator: { id: number; name: string | null; kind: string | null }
  routingRule: { name: string | null; id: string } | null
}

interface Message {
  __typename: string
  id: string
  createdAt: string
  author?: { kind: string; user: { name: string | null } | null }
  automatic?: boolean
  text?: string | null
}

export interface Answer {
  conversation: {
    id: string
    createdAt: string
    closedAt: string | null
    channel: string
    visitor: { id: string; firstName: string | null; lastName: string | null } | null
    tags: { id: string; name: string | null }[]
    contacts: Contact[]
    messages: { totalCount: number; edges: { node: Message }[] }
    sql: string | null
    ofContacts: string | null
    ofMessages: string | null
    ofEvents: string | null
  } | null
  explain: {
    events: Event[]
    values: Explained[]
    contacts: { id: string; ordinal: number; values: Explained[] }[]
  } | null
}

/** A statement by what it gives. */
const named = (name: string, sql?: string | null): Statements => (sql ? { [name]: sql } : {})

export function Conversation() {
  const place = usePlace()
  const id = place.get('id') ?? ''
  const projectId = Number(place.get('of'))
  const [marked, setMarked] = useState<{ name: string; sequences: number[] } | null>(null)
  const answer = useData<Answer>(query({
    conversation: field('conversation', { id, projectId },
      `id createdAt closedAt channel visitor {id firstName lastName} tags {id name} contacts {id ordinal startedAt endedAt status ending operator {id name kind} routingRule {id name}} messages(first: 100) {totalCount edges {node {__typename id createdAt ... on ChatMessage {author {kind user {name}} automatic text}}}} sql ofContacts: sql(of: CONTACTS) ofMessages: sql(of: MESSAGES) ofEvents: sql(of: EVENTS)`),
    explain: field('explain', { conversationId: id, projectId },
      'events {sequence id source type time receivedAt contactId} values {name value sequences} contacts {id ordinal values {name value sequences}}'),
  }))
  const mark = (value: Explained, name: string) => setMarked(marked?.name === name ? null : { name, sequences: value.sequences })
  return (
    <>
      <Back view={place.get('back') ?? 'now'} />
      <Card title="Conversation" main wide data={answer} sql={({ conversation }) => ({ ...named('Conversation', conversation?.sql), ...named('Events', conversation?.ofEvents) })} note={`${id} of project ${projectId}`} empty={(data) => !data.conversation || !data.explain}>
        {({ conversation, explain }) => (
          <>
            <dl class="facts">
              <div><dt>Visitor</dt><dd>{[conversation!.visitor?.firstName, conversation!.visitor?.lastName].filter(Boolean).join(' ') || conversation!.visitor?.id || none}</dd></div>
              <div><dt>Channel</dt><dd>{words(conversation!.channel)}</dd></div>
              <div><dt>Created</dt><dd>{moment(conversation!.createdAt, place.zone)}</dd></div>
              <div><dt>Closed</dt><dd>{conversation!.closedAt ? moment(conversation!.closedAt, place.zone) : <span class="badge live">open</span>}</dd></div>
              <div><dt>Tags</dt><dd>{conversation!.tags.map((tag) => tag.name ?? tag.id).join(', ') || none}</dd></div>
            </dl>
            <Lifeline events={explain!.events} contacts={conversation!.contacts} marked={marked?.sequences ?? []} />
          </>
        )}
      </Card>
      {answer.data?.explain && (
        <>
          <Card title="Numbers" note="Choose a number to see the events it comes from." data={answer} sql={({ conversation }) => named('Conversation', conversation!.sql)}>
            {({ explain }) => <Values values={explain!.values} scope="" marked={marked?.name} mark={mark} />}
          </Card>
          <Card title="Contacts" data={answer} sql={({ conversation }) => named('Contacts', conversation!.ofContacts)} empty={({ explain }) => !explain!.contacts.length}>
            {({ explain, conversation }) => explain!.contacts.map((contact) => {
              const row = conversation!.contacts.find((one) => one.id === contact.id)
              return (
                <details key={contact.id} class="contact" open={explain!.contacts.length === 1}>
                  <summary>{contact.ordinal}. {row?.operator.name ?? row?.operator.id} <span class="badge">{row && words(row.ending ?? row.status)}</span></summary>
                  <Values values={contact.values} scope={contact.id} marked={marked?.name} mark={mark} />
                </details>
              )
            })}
          </Card>
          <Card title="Events" wide data={answer} sql={({ conversation }) => named('Events', conversation!.ofEvents)} note={marked ? `${marked.sequences.length} of them give the number you chose` : 'In the order in which they are folded'}>
            {({ explain }) => <Events events={explain!.events} marked={marked?.sequences ?? []} />}
          </Card>
          <Thread messages={answer.data.conversation!.messages} zone={place.zone} data={answer} />
        </>
      )}
    </>
  )
}

const isTime = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/** A value of explain as people read it. */
function readable({ name, value }: Explained, zone: string): string {
  if (value === null) return none
  if (name === 'comment') return value
  if (name.endsWith('Ms')) return duration(Number(value))
  if (isTime.test(value)) return moment(value, zone)
  if (value === 'true' || value === 'false') return value === 'true' ? 'yes' : 'no'
  if (value.startsWith('[')) return listed(value)
  return /^[A-Z_]{4,}$/.test(value) ? words(value) : value
}

/** A list of explain, one value after the other. */
function listed(value: string): string {
  try {
    const list: unknown[] = JSON.parse(value)
    return list.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(', ') || none
  } catch {
    return value // a text that begins like a list
  }
}

/** A field's name as words: firstResponseTimeMs is First response time. */
function title(name: string): string {
  const plain = name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

interface ValuesProps {
  values: Explained[]
  scope: string
  marked?: string
  mark: (value: Explained, name: string) => void
}

function Values({ values, scope, marked, mark }: ValuesProps) {
  const place = usePlace()
  return (
    <ul class="values">
      {values.map((value) => {
        const name = `${scope} ${value.name}`
        return (
          <li key={name}>
            <button type="button" aria-pressed={marked === name} disabled={!value.sequences.length} onClick={() => mark(value, name)}>
              <span>{title(value.name)}</span><b>{readable(value, place.zone)}</b>
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Events({ events, marked }: { events: Event[]; marked: number[] }) {
  const place = usePlace()
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of events">
      <table class="plain">
        <thead><tr>{['Time', 'Event', 'Sequence', 'Source', 'Id'].map((name) => <th key={name} scope="col" class={name === 'Sequence' ? '' : 'text'}>{name}</th>)}</tr></thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.sequence} class={marked.includes(event.sequence) ? 'marked' : ''}>
              <th scope="row">{precise(event.time, place.zone)}</th>
              <td class="text">{event.type.replace(/^parley\.|\.v\d+$/g, '')}{marked.includes(event.sequence) && <span class="sr"> (behind the chosen number)</span>}</td>
              <td>{event.sequence}</td><td class="text">{event.source}</td><td class="text">{event.id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Thread({ messages, zone, data }: { messages: { totalCount: number; edges: { node: Message }[] }; zone: string; data: ReturnType<typeof useData<Answer>> }) {
  const written = messages.edges.map(({ node }) => node).filter((node) => node.author)
  return (
    <Card title="Messages" wide data={data} sql={({ conversation }) => named('Messages', conversation!.ofMessages)} empty={() => !written.length}>
      {() => (
        <ol class="thread">
          {written.map((message) => (
            <li key={message.id} class={message.author!.kind === 'VISITOR' ? 'visitor' : 'operator'}>
              <small>{message.author!.user?.name ?? words(message.author!.kind)} · {moment(message.createdAt, zone)}{message.automatic ? ' · automatic' : ''}</small>
              <p>{message.text ?? <i>No text is stored</i>}</p>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
