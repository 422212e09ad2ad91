// Bars beside each other, as a list of links.

import { useState } from 'preact/hooks'

export interface Bar {
  key: string
  name: string
  value: number
  text: string
  href?: string
  note?: string
}

/** Bars by value. More than some are shown on request. */
export function Bars({ bars, most = 8, color = 1, label }: { bars: Bar[]; most?: number; color?: number; label: string }) {
  const [all, setAll] = useState(false)
  const longest = Math.max(...bars.map((bar) => bar.value), 0) || 1
  const shown = all ? bars : bars.slice(0, most)
  return (
    <>
      <ul class="bars" aria-label={label}>
        {shown.map((bar) => {
          const content = (
            <>
              <span class="name" title={bar.name}>{bar.name}</span>
              <span class="track" aria-hidden="true"><span class={`bar c${color}`} style={{ width: `${Math.max((bar.value / longest) * 100, bar.value > 0 ? 0.8 : 0)}%` }} /></span>
              <span class="value">{bar.text}{bar.note && <small>{bar.note}</small>}</span>
            </>
          )
          return <li key={bar.key}>{bar.href && bar.value ? <a href={bar.href}>{content}</a> : <span>{content}</span>}</li>
        })}
      </ul>
      {bars.length > most && <button type="button" class="quiet" onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${bars.length}`}</button>}
    </>
  )
}
