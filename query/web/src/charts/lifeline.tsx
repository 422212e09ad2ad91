// The life of a conversation on one time axis: routing, contacts, snoozes, messages, closes, answers and sales. Long silences
// are shortened, and marked as such.

import { duration, moment, precise } from '../format'
import { usePlace } from '../place'
import type { Contact, Event } from '../views/conversation'

const width = 1000
const left = 92
const right = 16
const lane = 34

/** The lanes from top to bottom, and the events in them. */
const lanes: { name: string; of: RegExp; color: number }[] = [
  { name: 'Routing', of: /conversation\.(opened|routed)/, color: 5 },
  { name: 'Contacts', of: /conversation\.(pushed|transferred|snoozed|closed)/, color: 1 },
  { name: 'Messages', of: /message\./, color: 6 },
  { name: 'Outcome', of: /satisfaction|transaction|tagged/, color: 3 },
]

/** Places moments on the axis: a silence much longer than the others takes the room of a shorter one. */
function axis(times: number[]): { at: (time: number) => number; breaks: { x: number; length: number }[] } {
  const sorted = [...new Set(times)].sort((a, b) => a - b)
  const gaps = sorted.slice(1).map((time, index) => time - sorted[index]!)
  const usual = [...gaps].sort((a, b) => a - b)
  const most = Math.max((usual[Math.floor(usual.length * 0.8)] ?? 0) * 3, 1)
  const places = [0]
  for (const gap of gaps) places.push(places.at(-1)! + Math.min(gap, most) + most * 0.02)
  const scale = (width - left - right) / (places.at(-1)! || 1)
  const x = (index: number) => left + places[index]! * scale
  const at = (time: number) => {
    const next = sorted.findIndex((one) => one >= time)
    if (next <= 0) return next === 0 ? left : width - right
    const before = sorted[next - 1]!
    return x(next - 1) + ((time - before) / (sorted[next]! - before)) * (x(next) - x(next - 1))
  }
  const breaks = gaps.flatMap((gap, index) => (gap > most ? [{ x: (x(index) + x(index + 1)) / 2, length: gap }] : []))
  return { at, breaks }
}

export function Lifeline({ events, contacts, marked }: { events: Event[]; contacts: Contact[]; marked: number[] }) {
  const place = usePlace()
  if (!events.length) return null
  const end = Math.max(...events.map((event) => Date.parse(event.time)))
  const { at, breaks } = axis(events.map((event) => Date.parse(event.time)))
  const height = lanes.length * lane + 30
  const first = Math.min(...events.map((event) => Date.parse(event.time)))
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Life line">
      <svg class="lifeline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${events.length} events from ${moment(first, place.zone)} to ${moment(end, place.zone)}, ${contacts.length} contacts`}>
        {lanes.map((one, index) => (
          <g key={one.name}>
            <text x="4" y={index * lane + lane / 2 + 5}>{one.name}</text>
            <line x1={left} x2={width - right} y1={index * lane + lane / 2} y2={index * lane + lane / 2} class="base" />
          </g>
        ))}
        {breaks.map((one) => (
          <g key={one.x} class="break">
            <line x1={one.x} x2={one.x} y1="0" y2={height - 26} />
            <text x={one.x} y={height - 14} text-anchor="middle">{duration(one.length)}</text>
          </g>
        ))}
        {contacts.map((contact) => {
          const from = at(Date.parse(contact.startedAt))
          const to = at(contact.endedAt ? Date.parse(contact.endedAt) : end)
          const name = contact.operator.name ?? String(contact.operator.id)
          return (
            <g key={contact.id} class={`contact ${contact.operator.kind === 'BOT' ? 'bot' : ''}`}>
              <rect x={from} y={lane + 6} width={Math.max(to - from, 4)} height={lane - 12} rx="4"><title>{`${contact.ordinal}. ${name}`}</title></rect>
              {to - from > name.length * 7 && <text x={from + 6} y={lane + lane / 2 + 5}>{name}</text>}
            </g>
          )
        })}
        {events.map((event) => {
          const row = lanes.findIndex((one) => one.of.test(event.type))
          if (row < 0) return null
          const x = at(Date.parse(event.time))
          return (
            <circle key={event.sequence} cx={x} cy={row * lane + lane / 2} r={marked.includes(event.sequence) ? 8 : 5} class={`c${lanes[row]!.color}${marked.includes(event.sequence) ? ' marked' : ''}`}>
              <title>{`${event.type.replace(/^parley\.|\.v\d+$/g, '')}, ${precise(event.time, place.zone)}`}</title>
            </circle>
          )
        })}
        <text x={left} y={height - 2} class="ends">{moment(first, place.zone)}</text>
        <text x={width - right} y={height - 2} text-anchor="end" class="ends">{moment(end, place.zone)}</text>
      </svg>
    </div>
  )
}
