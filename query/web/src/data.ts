// What a view knows: the answer to a document, kept while a new one is on its way.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Failure, Name, field, run } from './api'
import type { Interval } from './calendar'
import type { Place } from './place'

/** The state of a question. Data of the last answer stays while loading is true. */
export interface Data<T> {
  data?: T
  failure?: Failure
  loading: boolean
  document: string
  reload: () => void
}

const fresh = 20_000 // how long an answer is good for a second reader
const most = 60 // answers that are kept
const answers = new Map<string, { at: number; answer: Promise<unknown> }>()

function ask<T>(document: string, again: boolean): Promise<T> {
  const known = answers.get(document)
  if (known && !again && Date.now() - known.at < fresh) return known.answer as Promise<T>
  const answer = run<T>(document)
  answers.set(document, { at: Date.now(), answer })
  answer.catch(() => answers.delete(document))
  while (answers.size > most) answers.delete(answers.keys().next().value!)
  return answer
}

/** Forgets every answer: another person may sign in. */
export const forget = () => answers.clear()

/** Told when the session has ended. */
export const ended = new EventTarget()

/** Asks a document, and again when it or the tick changes; nothing as long as it has to wait. */
export function useData<T>(document: string, tick = 0, wait = false): Data<T> {
  const [state, setState] = useState<{ data?: T; failure?: Failure; loading: boolean }>({ loading: true })
  const current = useRef(0)
  const load = useCallback(
    (again: boolean) => {
      const turn = ++current.current
      setState((before) => ({ ...before, loading: true }))
      ask<T>(document, again).then(
        (data) => turn === current.current && setState({ data, loading: false }),
        (failure) => {
          if (failure.code === 'UNAUTHENTICATED') ended.dispatchEvent(new Event('ended'))
          if (turn === current.current) setState((before) => ({ ...before, failure, loading: false }))
        },
      )
    },
    [document],
  )
  const ticked = useRef(tick)
  useEffect(() => {
    if (wait) return
    load(ticked.current !== tick)
    ticked.current = tick
  }, [load, tick, wait])
  useEffect(() => () => void current.current++, [])
  return { ...state, document, reload: useCallback(() => load(true), [load]) }
}

/** The arguments of a question about metrics. */
export interface Question {
  interval?: Interval
  groupBy?: string[]
  step?: boolean
  filters?: Record<string, unknown>
  contactFilters?: Record<string, unknown>
}

/** The field metrics for what the place shows. */
export function metrics(place: Place, question: Question, selection: string): string {
  const filters = { ...place.filters, ...question.filters }
  return field(
    'metrics',
    {
      filters: Object.keys(filters).length ? filters : undefined,
      contactFilters: question.contactFilters,
      interval: question.interval ?? place.interval,
      groupBy: question.groupBy?.map((name) => new Name(name)),
      step: question.step ? new Name(place.step) : undefined,
      timeZone: question.step || question.groupBy?.some((name) => name.endsWith('_OF_DAY') || name.endsWith('_OF_WEEK')) ? place.zone : undefined,
    },
    selection,
  )
}

/** A document of aliased fields, one a line. */
export function query(fields: Record<string, string>): string {
  return `{\n${Object.entries(fields)
    .map(([alias, text]) => (text.startsWith(`${alias}(`) ? `  ${text}` : `  ${alias}: ${text}`))
    .join('\n')}\n}`
}

export interface Dimension {
  name: string
  value: string | null
  label: string | null
}

/** A bucket of metrics, with the figures that were asked for. */
export type Bucket = Record<string, any> & { from: string | null; to: string | null; dimensions: Dimension[]; sql?: string | null }

export interface Metrics {
  total: Bucket
  buckets: Bucket[]
  /** Statements that give the buckets, one for each time that figures count by. */
  sql: string[]
}

/** Statements by what they give. */
export type Statements = Record<string, string>

const columnOf = (figure: string) => figure.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The statements that have some figures of the buckets, by the names of those figures. */
export function statementsOf({ sql }: Metrics, figures: Record<string, string>): Statements {
  const found = new Map<string, string[]>()
  for (const [figure, name] of Object.entries(figures)) {
    const statement = sql.find((one) => new RegExp(` AS ${columnOf(figure)}(_|\\b)`).test(one))
    if (statement) found.set(statement, [...(found.get(statement) ?? []), name])
  }
  return Object.fromEntries([...found].map(([statement, names]) => [names.join(', '), statement]))
}

/** The statement that has the figures of one bucket. */
export const statementOf = (of: { sql?: string | null }): Statements => (of.sql ? { figures: of.sql } : {})
