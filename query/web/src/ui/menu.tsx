// What can be done with the answer to a question, and menus in general.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Statements } from '../data'
import { Icon } from './icon'

interface MenuProps {
  title: string
  document: string
  /** Statements that give the same figures. */
  sql?: Statements
  asTable?: boolean
  toggle?: () => void
}

export function Menu({ title, document, sql, asTable, toggle }: MenuProps) {
  const menu = useRef<HTMLDetailsElement>(null)
  const [copied, setCopied] = useState('')
  useDismiss(menu)
  const copy = async (language: string, text: string) => {
    await navigator.clipboard.writeText(text)
    setCopied(language)
    setTimeout(() => setCopied(''), 1500)
  }
  const button = (language: string, text: string) => <button key={language} type="button" onClick={() => copy(language, text)}>{copied === language ? 'Copied' : `Copy as ${language}`}</button>
  const statements = Object.entries(sql ?? {})
  return (
    <details class="menu more" ref={menu}>
      <summary aria-label={`More about ${title}`}><Icon name="more" /></summary>
      <div class="panel">
        {asTable !== undefined && <button type="button" onClick={() => { toggle!(); menu.current!.open = false }}>{asTable ? 'Show as a chart' : 'Show as a table'}</button>}
        {button('GraphQL', document)}
        {statements.map(([what, text]) => button(statements.length === 1 ? 'SQL' : `SQL: ${what}`, text))}
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
