// Figures over time, on a canvas. A click goes to the rows of a step; the card's table has the same as links. Dragging across it shows
// a part, which moves with the wheel sideways; a double click shows all.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { count, day, none, stepName } from '../format'
import { go, usePlace } from '../place'

/** One line or row of bars. */
export interface Series {
  name: string
  color: number // of the palette, from 1
  values: (number | null)[]
  bars?: boolean
  dashed?: boolean
}

interface TimelineProps {
  label: string
  /** The beginning of each step. */
  from: string[]
  series: Series[]
  format: (value: number | null | undefined) => string
  axis?: (value: number) => string
  /** Where a click on a step leads. */
  href?: (index: number) => string | undefined
  height?: number
  max?: number
  /** Distances that ticks may have, where those of decimal numbers do not fit. */
  ticks?: number[]
  /** The step, if it is not that of the place. */
  step?: string
}

/** Colours of the page as the canvas needs them. */
function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

const hour = 3600
/** Distances of ticks in time: none is smaller than a step. */
const times = [1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 1440, 2160, 8760].map((hours) => hours * hour)
/** Distances of ticks of counts. */
const wholes = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()

interface Shown {
  index: number
  left: number
}

export function Timeline(props: TimelineProps) {
  const place = usePlace()
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  latest.current = props
  const [shown, setShown] = useState<Shown | null>(null)
  const [theme, setTheme] = useState(0)
  useEffect(() => onTheme(() => setTheme((n) => n + 1)), [])

  // Not written again while the pointer moves.
  const content = useMemo(() => JSON.stringify([props.from, props.series, place.zone, place.step]), [props.from, props.series, place.zone, place.step])
  const said = useMemo(() => summary(props), [props.series])
  useEffect(() => {
    const parent = box.current!
    const plot = draw(parent, latest.current, place.zone, setShown)
    const observer = new ResizeObserver(() => plot.width !== parent.clientWidth && plot.setSize({ width: parent.clientWidth, height: plot.height }))
    observer.observe(parent)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [content, theme])

  const { series, from, format } = props
  const pick = () => {
    const href = shown && latest.current.href?.(shown.index)
    if (href) go(href)
  }
  return (
    <figure class="timeline">
      <figcaption class="legend">
        {series.map((one) => <span key={one.name}><i class={`key c${one.color}${one.dashed ? ' dashed' : ''}`} />{one.name}</span>)}
      </figcaption>
      <div class={`plot${props.href ? ' picks' : ''}`} ref={box} role="img" aria-label={`${props.label}. ${said}`} onClick={pick} />
      {shown && (
        <div class="tip" style={{ left: `${shown.left}px` }} data-side={shown.left > (box.current?.clientWidth ?? 0) / 2 ? 'left' : 'right'}>
          <b>{stepName(from[shown.index]!, props.step ?? place.step, place.zone)}</b>
          {series.map((one) => <span key={one.name}><i class={`key c${one.color}`} />{one.name}<em>{format(one.values[shown.index])}</em></span>)}
        </div>
      )}
    </figure>
  )
}

function summary({ series, format }: TimelineProps): string {
  return series
    .map((one) => {
      const known = one.values.filter((value) => value !== null)
      const least = known.reduce((a, b) => Math.min(a, b), Infinity)
      return known.length ? `${one.name}: from ${format(least)} to ${format(known.reduce((a, b) => Math.max(a, b), least))}` : `${one.name}: ${none}`
    })
    .join('; ')
}

const spline = uPlot.paths.spline!()
const bars = uPlot.paths.bars!({ size: [0.62, 48], radius: 0.15 })

/** Whether pixels have several of the values that are shown. */
function dense(plot: uPlot): boolean {
  const [first, last] = plot.series[0]!.idxs!
  return (last - first) * 2 > plot.over.clientWidth
}

/** Draws the range that values have at each pixel, or from zero to the most of them. Lines through all of them would be filled in many times over. */
const range = (fromZero: boolean): uPlot.Series.PathBuilder => (plot, series, first, last) => {
  const xs = plot.data[0]
  const values = plot.data[series]!
  const left = plot.valToPos(xs[first]!, 'x', true)
  const perSecond = (plot.valToPos(xs[last]!, 'x', true) - left) / (xs[last]! - xs[first]!)
  const zero = plot.valToPos(0, 'y', true)
  const perUnit = plot.valToPos(1, 'y', true) - zero
  const ratio = devicePixelRatio
  const fill = new Path2D()
  let columns: [x: number, top: number, bottom: number][] = []
  const finish = () => {
    columns.forEach(([x, top], index) => (index ? fill.lineTo(x, top) : fill.moveTo(x, top)))
    for (const [x, top, bottom] of columns.toReversed()) fill.lineTo(x, Math.max(bottom, top + 2 * ratio))
    columns = []
  }
  let pixel = -Infinity
  let top = 0
  let bottom = 0
  for (let n = first; n <= last; n++) {
    const value = values[n]
    if (value == null) continue
    const at = Math.round((left + (xs[n]! - xs[first]!) * perSecond) / ratio)
    const y = zero + value * perUnit
    if (at === pixel) {
      if (y < top) top = y
      else if (y > bottom) bottom = y
      continue
    }
    if (pixel > -Infinity) columns.push([pixel * ratio, top, bottom])
    if (at - pixel > 3) finish() // a gap
    pixel = at
    top = y
    bottom = fromZero ? zero : y
  }
  if (pixel > -Infinity) columns.push([pixel * ratio, top, bottom])
  finish()
  return { fill }
}

/** Draws values as they fit. */
const pathsOf = (sparse: uPlot.Series.PathBuilder, crowded: uPlot.Series.PathBuilder): uPlot.Series.PathBuilder => (plot, ...of) => (dense(plot) ? crowded : sparse)(plot, ...of)

/** Moves what is shown sideways, by pixels, as far as there are values. */
function move(plot: uPlot, pixels: number, first: number, last: number): void {
  const { min, max } = plot.scales.x!
  const width = max! - min!
  const from = Math.min(Math.max(min! + (pixels / plot.over.clientWidth) * width, first), last - width)
  plot.setScale('x', { min: from, max: from + width })
}

function draw(parent: HTMLElement, props: TimelineProps, zone: string, show: (shown: Shown | null) => void): uPlot {
  const xs = props.from.map((from) => Date.parse(from) / 1000)
  const line = color('--line')
  const axis = { stroke: color('--muted'), font: '12px system-ui, sans-serif', grid: { stroke: line, width: 1 }, ticks: { show: false } }
  const step = xs.length > 1 ? (xs.at(-1)! - xs[0]!) / (xs.length - 1) : 86_400
  const shades = props.series.map((one) => color(`--c${one.color}`))
  const first = xs[0]! - step * 0.6
  const last = xs.at(-1)! + step * 0.6
  const options: uPlot.Options = {
    width: parent.clientWidth,
    height: props.height ?? 240,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, uni: 20 }, points: { size: 7 }, y: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    scales: {
      x: { range: (_, low, high) => [low <= xs[0]! ? first : low, high >= xs.at(-1)! ? last : high] },
      y: { range: (_, low, high) => [Math.min(low, 0), props.max ?? (high > 0 ? high * 1.08 : 1)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 70, incrs: times.filter((time) => time >= Math.min(step * 0.9, 24 * hour)), values: (_, ticks, __, ___, every) => ticks.map((tick) => tickName(tick, every, zone)) },
      { ...axis, size: 62, space: 32, incrs: props.ticks ?? (props.format === count ? wholes : undefined), values: (_, ticks) => ticks.map((tick) => (props.axis ?? props.format)(tick)) },
    ],
    series: [
      {},
      ...props.series.map((one, index): uPlot.Series => ({
        stroke: shades[index],
        width: one.bars ? 0 : 2,
        fill: (plot) => (one.bars || dense(plot) ? shades[index]! : 'transparent'),
        dash: one.dashed ? [5, 4] : undefined,
        paths: one.bars ? pathsOf(bars, range(true)) : pathsOf(spline, range(false)),
        points: { show: !one.bars && xs.length === 1 },
        spanGaps: false,
      })),
    ],
    hooks: {
      setCursor: [(plot) => {
        const index = plot.cursor.idx
        show(index == null || plot.cursor.left! < 0 ? null : { index, left: plot.valToPos(xs[index]!, 'x') + plot.bbox.left / devicePixelRatio })
      }],
    },
  }
  const plot = new uPlot(options, [xs, ...props.series.map((one) => one.values)] as uPlot.AlignedData, parent)
  plot.over.addEventListener('wheel', (event) => {
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX
    const { min, max } = plot.scales.x!
    if (Math.abs(sideways) < Math.abs(event.deltaY) || !sideways || (min! <= first && max! >= last)) return
    event.preventDefault()
    move(plot, sideways, first, last)
  })
  return plot
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function tickName(seconds: number, every: number, zone: string): string {
  if (every >= 86_400) return day(seconds * 1000, zone)
  let clock = clocks.get(zone)
  if (!clock) clocks.set(zone, (clock = new Intl.DateTimeFormat(undefined, { timeZone: zone, hour: 'numeric', minute: '2-digit' })))
  return clock.format(seconds * 1000)
}

/** Calls back when the reader or the system changes between light and dark. */
function onTheme(changed: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)')
  const observer = new MutationObserver(changed)
  media.addEventListener('change', changed)
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    media.removeEventListener('change', changed)
    observer.disconnect()
  }
}
