// The life of a conversation on one time axis: routing, contacts, snoozes, messages, closes, answers and sales. Long silences
// are shortened, and marked as such.

import { useEffect, useRef, useState } from 'preact/hooks'
import { duration, moment, precise } from '../format'
import { usePlace } from '../place'
import type { Contact, Event } from '../views/conversation'

const right = 16
const room = 46 // pixels, of the length of a silence
const narrow = 620 // pixels, below which the names of the lanes are above them

/** The lanes from top to bottom, and the events in them. */
const lanes: { name: string; of: RegExp; color: number }[] = [
  { name: 'Routing', of: /conversation\.(opened|routed)/, color: 5 },
  { name: 'Contacts', of: /conversation\.(pushed|transferred|snoozed|closed)/, color: 1 },
  { name: 'Messages', of: /message\./, color: 6 },
  { name: 'Outcome', of: /satisfaction|transaction|tagged/, color: 3 },
]

/** Places moments on the axis: a silence much longer than the others takes the room of a shorter one. */
function axis(times: number[], left: number, width: number): { at: (time: number) => number; breaks: { x: number; length: number }[] } {
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

interface LifelineProps {
  events: Event[]
  contacts: Contact[]
  marked: number[]
}

/** Is as wide as the page lets it. */
export function Lifeline({ events, contacts, marked }: LifelineProps) {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(box.current!.clientWidth))
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  return <div ref={box}>{width > 0 && events.length > 0 && <Lanes width={width} events={events} contacts={contacts} marked={marked} />}</div>
}

function Lanes({ width, events, contacts, marked }: LifelineProps & { width: number }) {
  const place = usePlace()
  const small = width < narrow
  const left = small ? 10 : 92
  const lane = small ? 46 : 34
  const middle = (row: number) => row * lane + (small ? 30 : lane / 2)
  const end = Math.max(...events.map((event) => Date.parse(event.time)))
  const { at, breaks } = axis(events.map((event) => Date.parse(event.time)), left, width)
  // The lengths of silences close to each other would cover each other.
  const told = breaks.reduce<number[]>((kept, { x }) => (kept.length && x - kept.at(-1)! < room ? kept : [...kept, x]), [])
  const height = lanes.length * lane + 30
  const first = Math.min(...events.map((event) => Date.parse(event.time)))
  return (
    <svg class="lifeline" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${events.length} events from ${moment(first, place.zone)} to ${moment(end, place.zone)}, ${contacts.length} contacts`}>
      {lanes.map((one, index) => (
        <g key={one.name}>
          <text x="4" y={middle(index) + (small ? -16 : 5)}>{one.name}</text>
          <line x1={left} x2={width - right} y1={middle(index)} y2={middle(index)} class="base" />
        </g>
      ))}
      {breaks.map((one) => (
        <g key={one.x} class="break">
          <line x1={one.x} x2={one.x} y1="0" y2={height - 26} />
          {told.includes(one.x) && <text x={one.x} y={height - 14} text-anchor="middle">{duration(one.length)}</text>}
        </g>
      ))}
      {contacts.map((contact) => {
        const from = at(Date.parse(contact.startedAt))
        const to = at(contact.endedAt ? Date.parse(contact.endedAt) : end)
        const name = contact.operator.name ?? String(contact.operator.id)
        return (
          <g key={contact.id} class={`contact ${contact.operator.kind === 'BOT' ? 'bot' : ''}`}>
            <rect x={from} y={middle(1) - 11} width={Math.max(to - from, 4)} height="22" rx="4"><title>{`${contact.ordinal}. ${name}`}</title></rect>
            {to - from > name.length * 7 && <text x={from + 6} y={middle(1) + 5}>{name}</text>}
          </g>
        )
      })}
      {events.map((event) => {
        const row = lanes.findIndex((one) => one.of.test(event.type))
        if (row < 0) return null
        const x = at(Date.parse(event.time))
        return (
          <circle key={event.sequence} cx={x} cy={middle(row)} r={marked.includes(event.sequence) ? 8 : 5} class={`c${lanes[row]!.color}${marked.includes(event.sequence) ? ' marked' : ''}`}>
            <title>{`${event.type.replace(/^parley\.|\.v\d+$/g, '')}, ${precise(event.time, place.zone)}`}</title>
          </circle>
        )
      })}
      <text x={left} y={height - 2} class="ends">{moment(first, place.zone)}</text>
      <text x={width - right} y={height - 2} text-anchor="end" class="ends">{moment(end, place.zone)}</text>
    </svg>
  )
}
