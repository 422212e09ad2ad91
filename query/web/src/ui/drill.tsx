// From a figure to its rows.

import type { ComponentChildren } from 'preact'
import type { Interval } from '../calendar'
import { type Place, usePlace } from '../place'

/** Lists that a figure can lead to: closed conversations, all that were created, and contacts. */
export type List = 'conversations' | 'created' | 'contacts'

/** The address of the rows behind a reference of metrics. */
export function rowsHref(place: Place, of: List, rows: string, title: string, within: Interval = place.interval): string {
  return place.to('rows', { of, rows, title, since: within.from, until: within.to, back: place.view })
}

interface DrillProps {
  of: List
  rows: string
  title: string
  within?: Interval
  count?: number | null
  class?: string
  label?: string
  children: ComponentChildren
}

/** A figure as a link to its rows; without any rows it is only text. */
export function Drill({ of, rows, title, within, count, label, children, class: className }: DrillProps) {
  const place = usePlace()
  if (!count) return <span class={className}>{children}</span>
  return <a class={`drill ${className ?? ''}`} href={rowsHref(place, of, rows, title, within)} aria-label={label}>{children}</a>
}
