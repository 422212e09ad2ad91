// A card: one question with its answer, and what can be done with it.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Data } from '../data'
import { Icon } from './icon'

interface CardProps<T> {
  title: string
  note?: string
  data: Data<T>
  /** The statement that gives the same figures, if there is one. */
  sql?: (data: T) => string | undefined
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

function Menu({ title, document, sql, asTable, toggle }: { title: string; document: string; sql?: string; asTable?: boolean; toggle: () => void }) {
  const menu = useRef<HTMLDetailsElement>(null)
  const [copied, setCopied] = useState('')
  useDismiss(menu)
  const copy = async (language: string, text: string) => {
    await navigator.clipboard.writeText(text)
    setCopied(language)
    setTimeout(() => setCopied(''), 1500)
  }
  const button = (language: string, text: string) => <button type="button" onClick={() => copy(language, text)}>{copied === language ? 'Copied' : `Copy as ${language}`}</button>
  return (
    <details class="menu" ref={menu}>
      <summary aria-label={`More about ${title}`}><Icon name="more" /></summary>
      <div class="panel">
        {asTable !== undefined && <button type="button" onClick={() => { toggle(); menu.current!.open = false }}>{asTable ? 'Show as a chart' : 'Show as a table'}</button>}
        {button('GraphQL', document)}
        {sql && button('SQL', sql)}
        <span class="sr" role="status">{copied ? 'Copied' : ''}</span>
      </div>
    </details>
  )
}

/** Closes an open menu on Escape and on a click elsewhere. */
export function useDismiss(menu: { current: HTMLDetailsElement | null }) {
  useEffect(() => {
    const close = (event: Event) => {
      const open = menu.current
      if (!open?.open) return
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return
        open.querySelector('summary')?.focus()
      } else if (open.contains(event.target as Node)) return
      open.open = false
    }
    addEventListener('pointerdown', close)
    addEventListener('keydown', close)
    return () => {
      removeEventListener('pointerdown', close)
      removeEventListener('keydown', close)
    }
  }, [menu])
}
