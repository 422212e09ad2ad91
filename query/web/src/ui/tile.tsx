// A tile: one figure, how it changed, and its course.

import type { Statements } from '../data'
import { share } from '../format'
import { usePlace } from '../place'
import { type List, Drill } from './drill'
import { Menu } from './menu'

interface TileProps {
  name: string
  value: string
  hint?: string
  rows?: { of: List; rows: string; count: number }
  now?: number | null
  before?: number | null
  /** Whether more is better, worse or neither. */
  better?: 'more' | 'less'
  /** The difference is in points, not a share. */
  points?: boolean
  course?: (number | null)[]
  /** The question that the figure answers. */
  of: { document: string }
  sql?: Statements
}

export function Tile({ name, value, hint, rows, now, before, better, points, course, of, sql }: TileProps) {
  const place = usePlace()
  return (
    <div class="tile">
      <h2>{name}</h2>
      <p class="figure">
        {rows ? <Drill of={rows.of} rows={rows.rows} count={rows.count} title={name} label={`${name}: ${value}`}>{value}</Drill> : value}
      </p>
      <div class="under">
        {place.compare && <Change now={now} before={before} better={better} points={points} />}
        {hint && <span class="hint">{hint}</span>}
      </div>
      {course && course.length > 1 && <Spark values={course} />}
      <Menu title={name} document={of.document} sql={sql} />
    </div>
  )
}

const differences = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, signDisplay: 'exceptZero' })

/** The change since the period before, said by sign, words and colour. */
export function Change({ now, before, better, points }: { now?: number | null; before?: number | null; better?: 'more' | 'less'; points?: boolean }) {
  if (now == null || before == null || (!points && before === 0)) return null
  const change = points ? now - before : (now - before) / before
  const shown = points ? `${differences.format(change)} points` : share(Math.abs(change))
  const flat = Math.abs(change) < (points ? 0.05 : 0.0005)
  const tone = flat || !better ? 'even' : change > 0 === (better === 'more') ? 'good' : 'bad'
  return (
    <span class={`change ${tone}`} title="Compared with the period before">
      {!flat && !points && <span aria-hidden="true">{change > 0 ? '▲' : '▼'} </span>}
      {flat ? 'no change' : <>{!points && <span class="sr">{change > 0 ? 'up ' : 'down '}</span>}{shown}</>}
      <span class="sr"> compared with the period before</span>
    </span>
  )
}

/** A small line without axes, beside a figure. */
function Spark({ values }: { values: (number | null)[] }) {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return null
  const low = Math.min(...known, 0)
  const range = Math.max(...known) - low || 1
  const at = (value: number, index: number) => `${((index / (values.length - 1)) * 100).toFixed(2)},${(27 - ((value - low) / range) * 25).toFixed(2)}`
  const points = values.map((value, index) => (value === null ? '' : at(value, index))).filter(Boolean)
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`${points[0]!.split(',')[0]},28 ${points.join(' ')} ${points.at(-1)!.split(',')[0]},28`} />
      <polyline points={points.join(' ')} vector-effect="non-scaling-stroke" />
    </svg>
  )
}
