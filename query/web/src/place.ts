// The address: which view, of which conversations, in which time. Everything that a reader chooses is in it, so a link shows a
// colleague the same, and back and forward work.

import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { Name } from './api'
import { type Days, type Interval, type Step, dateOf, daysOf, intervals, stepFor } from './calendar'

/** The parameters of the address that all views share; a link to another view keeps them. */
const kept = ['range', 'from', 'to', 'zone', 'step', 'compare', 'hours']

/** A filter: its parameter in the address, its field in ConversationFilters, and the dimension whose values it takes. */
export interface Kind {
  param: string
  field: string
  dimension: string
  label: string
  read: (text: string) => unknown
}

const text = (value: string) => value
const kind = (param: string, field: string, dimension: string, label: string, read: (text: string) => unknown = text): Kind => ({ param, field, dimension, label, read })

export const kinds: Kind[] = [
  kind('project', 'projectIds', 'PROJECT', 'Project', Number),
  kind('channel', 'channels', 'CHANNEL', 'Channel', (value) => new Name(value)),
  kind('rule', 'routingRuleIds', 'ROUTING_RULE', 'Routing rule'),
  kind('group', 'routingGroupIds', 'ROUTING_GROUP', 'Routing group'),
  kind('operator', 'userIds', 'OPERATOR', 'Operator', Number),
  kind('tag', 'tagIds', 'TAG', 'Tag'),
  kind('campaign', 'campaignIds', 'CAMPAIGN', 'Campaign'),
  kind('language', 'languages', 'LANGUAGE', 'Language'),
  kind('automation', 'automationLevels', 'AUTOMATION_LEVEL', 'Automation', (value) => new Name(value)),
  kind('reason', 'closeReason', 'CLOSE_REASON', 'Close reason'),
]

type Changes = Record<string, string | string[] | null>

/** Where the reader is, and what that means for questions to the API. */
export interface Place {
  view: string
  get: (name: string) => string | null
  all: (name: string) => string[]
  zone: string
  range: string
  days: Days
  interval: Interval
  before: Interval
  step: Step
  compare: boolean
  filters: Record<string, unknown> | undefined
  now: number
  /** The address after some changes; null removes a parameter. */
  href: (changes: Changes) => string
  /** The address of another view, for the same filters and time. */
  to: (view: string, changes?: Changes) => string
  go: (href: string) => void
}

const isName = /^[A-Z_]+$/

export function readPlace(search: string, now: number): Place {
  const params = new URLSearchParams(search)
  const zone = knownZone(params.get('zone')) ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  const range = params.get('range') ?? '30d'
  const days = daysOf(range, params.get('from'), params.get('to'), dateOf(zone, now))
  const { current, before } = intervals(zone, days, now)
  const filters: Record<string, unknown> = {}
  for (const kind of kinds) {
    const values = params.getAll(kind.param).map(kind.read).filter((value) => !(value instanceof Name) || isName.test(value.text))
    if (values.length) filters[kind.field] = values
  }
  const href = (changes: Changes) => address(params, changes)
  return {
    view: params.get('view') ?? (location.pathname === '/status' ? 'status' : 'now'),
    get: (name) => params.get(name),
    all: (name) => params.getAll(name),
    zone, range, days, interval: current, before, now,
    step: steps.find((step) => step === params.get('step')) ?? stepFor(current),
    compare: params.get('compare') !== 'no',
    filters: Object.keys(filters).length ? filters : undefined,
    href,
    to: (view, changes = {}) => {
      const shared = new URLSearchParams()
      for (const name of [...kept, ...kinds.map((kind) => kind.param)]) {
        for (const value of params.getAll(name)) shared.append(name, value)
      }
      return address(shared, { view, ...changes })
    },
    go,
  }
}

export const steps: Step[] = ['HOUR', 'DAY', 'WEEK', 'MONTH']

function address(params: URLSearchParams, changes: Changes): string {
  const changed = new URLSearchParams(params)
  for (const [name, value] of Object.entries(changes)) {
    changed.delete(name)
    for (const one of value === null ? [] : [value].flat()) changed.append(name, one)
  }
  return `/?${changed}`
}

function knownZone(zone: string | null): string | undefined {
  try {
    return zone ? new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone && zone : undefined
  } catch {
    return undefined
  }
}

/** Goes to an address of the page, as a link does. */
export function go(href: string): void {
  history.pushState(null, '', href)
  dispatchEvent(new PopStateEvent('popstate'))
}

const Context = createContext<Place>(null!)
export const PlaceProvider = Context.Provider
export const usePlace = () => useContext(Context)

const refreshEvery = 60_000

/** The place of the address, read again when it changes and as time goes on. */
export function useAddress(): Place {
  const [place, setPlace] = useState(() => readPlace(location.search, Date.now()))
  useEffect(() => {
    const read = () => setPlace(readPlace(location.search, Date.now()))
    let view = readPlace(location.search, Date.now()).view
    const moved = () => {
      const next = readPlace(location.search, Date.now())
      if (next.view !== view) scrollTo(0, 0)
      view = next.view
      setPlace(next)
    }
    addEventListener('popstate', moved)
    const timer = setInterval(() => document.visibilityState === 'visible' && read(), refreshEvery)
    return () => {
      removeEventListener('popstate', moved)
      clearInterval(timer)
    }
  }, [])
  return place
}

/** Follows links to this page without loading it again. */
export function followLinks(event: MouseEvent): void {
  const link = (event.target as Element).closest('a')
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target || link.hasAttribute('download')) return
  const href = link.getAttribute('href')
  if (!href?.startsWith('/?')) return
  event.preventDefault()
  go(href)
}
