// A card: one question with its answer, and what can be done with it.

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Data, Statements } from '../data'
import { Icon } from './icon'
import { Menu } from './menu'

interface CardProps<T> {
  title: string
  note?: string
  data: Data<T>
  /** The statements that give the same figures. */
  sql?: (data: T) => Statements
  empty?: (data: T) => boolean
  /** What is said then. */
  nothing?: string
  tall?: boolean
  wide?: boolean
  /** The title is that of the whole page. */
  main?: boolean
  controls?: ComponentChildren
  children: (data: T) => ComponentChildren
  /** The same figures as a table, for those who cannot see or point at the chart. */
  table?: (data: T) => ComponentChildren
}

/** Shows an answer with its states: on its way, failed, empty, old. */
export function Card<T>({ title, note, data, sql, empty, nothing, tall, wide, main, controls, children, table }: CardProps<T>) {
  const [asTable, setAsTable] = useState(false)
  const { data: answer, failure, loading } = data
  return (
    <section class={`card${tall ? ' tall' : ''}${wide ? ' wide' : ''}${loading && answer ? ' stale' : ''}`} aria-busy={loading} aria-label={title}>
      <header>
        {main ? <h1>{title}</h1> : <h2>{title}</h2>}
        {controls}
        <Menu title={title} document={data.document} sql={answer && sql?.(answer)} asTable={table ? asTable : undefined} toggle={() => setAsTable(!asTable)} />
      </header>
      {note && <p class="note">{note}</p>}
      {failure && <Failed message={failure.message} again={data.reload} old={answer !== undefined} />}
      {answer !== undefined ? (
        empty?.(answer) ? <Empty text={nothing} /> : <div class="content">{asTable && table ? <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>{table(answer)}</div> : children(answer)}</div>
      ) : (
        !failure && <Loading />
      )}
    </section>
  )
}

export function Loading() {
  return <div class="loading" role="status"><span class="sr">Loading</span></div>
}

export function Empty({ text = 'Nothing in this time with these filters.' }: { text?: string }) {
  return <p class="empty"><Icon name="empty" />{text}</p>
}

export function Failed({ message, again, old }: { message: string; again: () => void; old?: boolean }) {
  return (
    <div class="failed" role="alert">
      <p>{old ? 'Not up to date: ' : ''}{message}</p>
      <button type="button" onClick={again}>Try again</button>
    </div>
  )
}
