// What is shown: the time, the zone, the step, the comparison, and the filters as chips.

import { useEffect, useRef, useState } from 'preact/hooks'
import { type Metrics, metrics, query, useData } from '../data'
import { ranges } from '../calendar'
import { nameOf } from '../figures'
import { count, dayWithYear, words } from '../format'
import { type Kind, go, kinds, steps, usePlace } from '../place'
import { Failed } from './card'
import { Icon } from './icon'
import { useDismiss } from './menu'

export function Filters() {
  const place = usePlace()
  const custom = Boolean(place.get('from') && place.get('to'))
  const choose = (range: string) => go(range === 'custom' ? place.href({ range: null, from: place.days.first, to: place.days.last }) : place.href({ range, from: null, to: null }))
  const date = (name: string) => (event: { currentTarget: HTMLInputElement }) => event.currentTarget.value && go(place.href({ from: place.days.first, to: place.days.last, [name]: event.currentTarget.value }))
  return (
    <div class="filters">
      <div class="row">
        <select aria-label="Time" value={custom ? 'custom' : place.range} onChange={(event) => choose(event.currentTarget.value)}>
          {Object.entries(ranges).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
          <option value="custom">{custom ? 'From … to …' : 'Choose dates'}</option>
        </select>
        {custom ? (
          <>
            <input type="date" aria-label="First day" value={place.days.first} max={place.days.last} onChange={date('from')} />
            <input type="date" aria-label="Last day" value={place.days.last} min={place.days.first} onChange={date('to')} />
          </>
        ) : (
          <span class="dates">{dayWithYear(place.interval.from, place.zone)}{place.days.first !== place.days.last && <> – {dayWithYear(Date.parse(place.interval.to) - 1, place.zone)}</>}</span>
        )}
        <select aria-label="Step" value={place.step} onChange={(event) => go(place.href({ step: event.currentTarget.value }))}>
          {steps.map((step) => <option key={step} value={step}>per {step.toLowerCase()}</option>)}
        </select>
        <Zone />
        <label class="switch"><input type="checkbox" checked={place.compare} onChange={(event) => go(place.href({ compare: event.currentTarget.checked ? null : 'no' }))} />Compare</label>
      </div>
      <Chips />
    </div>
  )
}

/** The filters in force, and one to add. */
export function Chips() {
  const place = usePlace()
  const used = kinds.filter((kind) => place.all(kind.param).length)
  return (
    <div class="chips">
      {used.map((kind) => <Chip key={kind.param} kind={kind} />)}
      <Add />
      {used.length > 1 && <button type="button" class="quiet" onClick={() => go(place.href(Object.fromEntries(kinds.map((kind) => [kind.param, null]))))}>Remove all</button>}
    </div>
  )
}

/** The names of all zones, which are many, come after the figures are asked for. */
function Zone() {
  const place = usePlace()
  const [all, setAll] = useState<string[]>([])
  useEffect(() => {
    const timer = setTimeout(() => setAll(Intl.supportedValuesOf('timeZone')))
    return () => clearTimeout(timer)
  }, [])
  return (
    <select aria-label="Time zone" class="zone" value={place.zone} onChange={(event) => go(place.href({ zone: event.currentTarget.value }))}>
      {[...new Set([place.zone, 'UTC', ...all])].map((zone) => <option key={zone} value={zone}>{zone.replaceAll('_', ' ')}</option>)}
    </select>
  )
}

/** The values of a dimension in the time shown, with how many contacts and conversations each has. */
function useValues(kind: Kind) {
  const place = usePlace()
  return useData<{ metrics: Metrics }>(query({
    metrics: metrics({ ...place, filters: undefined }, { groupBy: [kind.dimension] }, 'buckets {dimensions {name value label} closedConversations contacts}'),
  }))
}

function Chip({ kind }: { kind: Kind }) {
  const place = usePlace()
  const { data } = useValues(kind)
  const chosen = place.all(kind.param)
  const name = (value: string) => {
    const found = data?.metrics.buckets.find((bucket) => bucket.dimensions[0]!.value === value)
    return found && kind.param !== 'project' ? nameOf(found.dimensions[0]!) : /^[A-Z_]+$/.test(value) ? words(value) : value
  }
  const text = chosen.length > 3 ? `${chosen.length} chosen` : chosen.map(name).join(', ')
  return (
    <span class="chip">
      <Values kind={kind} summary={<><b>{kind.label}</b> {text}</>} label={`${kind.label}: ${text}. Change`} />
      <button type="button" aria-label={`Remove the filter ${kind.label}`} onClick={() => go(place.href({ [kind.param]: null }))}><Icon name="close" /></button>
    </span>
  )
}

function Add() {
  const place = usePlace()
  const menu = useRef<HTMLDetailsElement>(null)
  const [kind, setKind] = useState<Kind>()
  useDismiss(menu)
  const left = kinds.filter((kind) => !place.all(kind.param).length)
  return (
    <details class="menu add" ref={menu} onToggle={() => !menu.current?.open && setKind(undefined)}>
      <summary><Icon name="plus" />Filter</summary>
      <div class="panel">
        {kind ? <Options kind={kind} /> : left.map((one) => <button key={one.param} type="button" onClick={() => setKind(one)}>{one.label}</button>)}
      </div>
    </details>
  )
}

function Values({ kind, summary, label }: { kind: Kind; summary: preact.ComponentChildren; label: string }) {
  const menu = useRef<HTMLDetailsElement>(null)
  const [open, setOpen] = useState(false)
  useDismiss(menu)
  return (
    <details class="menu" ref={menu} onToggle={() => setOpen(Boolean(menu.current?.open))}>
      <summary aria-label={label}>{summary}</summary>
      {open && <div class="panel"><Options kind={kind} /></div>}
    </details>
  )
}

/** The values of a filter to choose from. */
function Options({ kind }: { kind: Kind }) {
  const place = usePlace()
  const { data, failure, reload } = useValues(kind)
  const [search, setSearch] = useState('')
  const chosen = place.all(kind.param)
  const toggle = (value: string) => go(place.href({ [kind.param]: chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value] }))
  if (failure) return <Failed message={failure.message} again={reload} />
  if (!data) return <p class="note">Loading…</p>
  const all = data.metrics.buckets.filter((bucket) => bucket.dimensions[0]!.value !== null)
    .map((bucket) => ({ value: bucket.dimensions[0]!.value!, name: nameOf(bucket.dimensions[0]!), many: Math.max(bucket.closedConversations, bucket.contacts) }))
    .sort((a, b) => b.many - a.many)
  const found = all.filter((one) => one.name.toLowerCase().includes(search.toLowerCase())).slice(0, 100)
  return (
    <fieldset class="options">
      <legend>{kind.label}</legend>
      {all.length > 8 && <input type="search" placeholder="Search" aria-label={`Search ${kind.label}`} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />}
      {found.map((one) => (
        <label key={one.value}><input type="checkbox" checked={chosen.includes(one.value)} onChange={() => toggle(one.value)} /><span>{one.name}</span><small>{count(one.many)}</small></label>
      ))}
      {!found.length && <p class="note">Nothing in this time.</p>}
    </fieldset>
  )
}
