// How long visitors wait: percentiles, shares within a threshold, and the shape behind them.

import { Bars } from '../charts/bars'
import { Timeline } from '../charts/timeline'
import { type Bucket, type Metrics, type Statements, metrics, query, statementOf, statementsOf, useData } from '../data'
import { dimensions, nameOf } from '../figures'
import { count, duration, share, shortDuration, stepName } from '../format'
import { type Place, go, usePlace } from '../place'
import { Card } from '../ui/card'
import { Choice, Segments, chosen } from '../ui/choice'
import { type List, Drill, rowsHref } from '../ui/drill'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'

/** The durations that have a twin in business hours. */
const measures: Record<string, { name: string; of: List; within: number }> = {
  conversationFirstResponse: { name: 'First response', of: 'conversations', within: 60_000 },
  wait: { name: 'Wait for an operator', of: 'contacts', within: 30_000 },
  contactFirstResponse: { name: 'Response in a contact', of: 'contacts', within: 60_000 },
  resolution: { name: 'Resolution', of: 'conversations', within: 3_600_000 },
}

const names = Object.fromEntries(Object.entries(measures).map(([key, { name }]) => [key, name]))
const bounds = [5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000]

/** Distances between ticks that are whole seconds, minutes, hours or days. */
const ticks = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 1_209_600_000]

const measured = (place: Place, measure: string) => measure + (place.get('hours') === 'business' ? 'BusinessHours' : '')

export function Speed() {
  const place = usePlace()
  const measure = chosen(names, place.get('measure'))
  const selected = measures[measure]!
  const within = Math.max(1, Number(place.get('within')) || selected.within / 1000) * 1000
  return (
    <>
      <Medians />
      <div class="toolbar">
        <Segments name="measure" label="Duration" options={names} value={measure} />
        <Segments name="hours" label="Hours" options={{ all: 'All hours', business: 'Business hours' }} value={chosen({ all: '', business: '' }, place.get('hours'))} />
        <label class="within">within
          <input type="number" min="1" max="604800" value={within / 1000} onChange={(event) => go(place.href({ within: event.currentTarget.value }))} /> s
        </label>
      </div>
      <Percentiles measure={measure} />
      <Shares measure={measure} within={within} />
      <Shape measure={measure} />
      <ByDimension measure={measure} within={within} />
    </>
  )
}

/** The statement of the shares within a threshold. */
const sharesOf = ({ asked }: Bucket): Statements => (asked.within[0].bucketsSql ? { Shares: asked.within[0].bucketsSql } : {})

function Medians() {
  const place = usePlace()
  const selection = (detail: string) => Object.keys(measures).map((key) => `${key}: ${measured(place, key)} {${detail}}`).join(' ').replaceAll(/(\w+): \1 /g, '$1 ')
  const answer = useData<{ now: Metrics; before: Metrics }>(query({
    now: metrics(place, { step: true }, `total {sql ${selection('count medianMs p90Ms rows')}} buckets {${selection('medianMs')}}`),
    before: metrics(place, { interval: place.before }, `total {${selection('medianMs')}}`),
  }))
  const { data } = answer
  return (
    <div class="tiles">
      {data && Object.entries(measures).map(([key, { name, of }]) => {
        const now = data.now.total[key]
        return (
          <Tile key={key} of={answer} sql={statementOf(data.now.total)} name={`${name}, median`} value={duration(now.medianMs)} hint={now.count ? `p90 ${duration(now.p90Ms)}` : undefined}
            rows={{ of, rows: now.rows, count: now.count }} now={now.medianMs} before={data.before.total[key].medianMs} better="less"
            course={data.now.buckets.map((bucket) => bucket[key].medianMs)} />
        )
      })}
    </div>
  )
}

function Percentiles({ measure }: { measure: string }) {
  const place = usePlace()
  const { name, of } = measures[measure]!
  const key = measured(place, measure)
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { step: true }, `sql total {asked: ${key} {count}} buckets {from to asked: ${key} {count medianMs p90Ms p95Ms rows}}`) }))
  const href = (bucket: Bucket) => rowsHref(place, of, bucket.asked.rows, `${name}, ${stepName(bucket.from!, place.step, place.zone)}`)
  return (
    <Card
      title={`${name} over time`} wide data={answer} sql={({ metrics }) => statementsOf(metrics, { [key]: name })} empty={({ metrics }) => !metrics.total.asked.count}
      table={({ metrics }) => (
        <SimpleTable head={['Step', 'Count', 'Median', 'p90', 'p95']} rows={metrics.buckets.map((bucket) => [
          stepName(bucket.from!, place.step, place.zone), { text: count(bucket.asked.count), href: bucket.asked.count ? href(bucket) : undefined },
          duration(bucket.asked.medianMs), duration(bucket.asked.p90Ms), duration(bucket.asked.p95Ms),
        ])} />
      )}
    >
      {({ metrics }) => (
        <Timeline label={name} from={metrics.buckets.map((bucket) => bucket.from!)} format={duration} axis={shortDuration} ticks={ticks}
          href={(index) => (metrics.buckets[index]?.asked.count ? href(metrics.buckets[index]) : undefined)}
          series={[
            { name: 'Median', color: 1, values: metrics.buckets.map((bucket) => bucket.asked.medianMs) },
            { name: 'p90', color: 2, values: metrics.buckets.map((bucket) => bucket.asked.p90Ms) },
            { name: 'p95', color: 4, dashed: true, values: metrics.buckets.map((bucket) => bucket.asked.p95Ms) },
          ]} />
      )}
    </Card>
  )
}

function Shares({ measure, within }: { measure: string; within: number }) {
  const place = usePlace()
  const { name, of } = measures[measure]!
  const key = measured(place, measure)
  const answer = useData<{ now: Metrics; before: Metrics }>(query({
    now: metrics(place, { step: true }, `total {asked: ${key} {count within(ms: [${within}]) {count share rows bucketsSql}}} buckets {from asked: ${key} {count within(ms: [${within}]) {count share rows}}}`),
    before: metrics(place, { interval: place.before }, `total {asked: ${key} {within(ms: [${within}]) {share}}}`),
  }))
  const title = `${name} within ${duration(within)}`
  const href = (bucket: Bucket) => rowsHref(place, of, bucket.asked.within[0].rows, `${title}${bucket.from ? `, ${stepName(bucket.from, place.step, place.zone)}` : ''}`)
  return (
    <Card
      title={title} data={answer} sql={({ now }) => sharesOf(now.total)} empty={({ now }) => !now.total.asked.count}
      table={({ now }) => (
        <SimpleTable head={['Step', 'Within', 'Share']} rows={now.buckets.map((bucket) => [
          stepName(bucket.from!, place.step, place.zone), { text: count(bucket.asked.within[0].count), href: bucket.asked.within[0].count ? href(bucket) : undefined }, share(bucket.asked.within[0].share),
        ])} />
      )}
    >
      {({ now }) => {
        const total = now.total.asked.within[0]
        return (
          <>
            <p class="figure"><Drill of={of} rows={total.rows} count={total.count} title={title} label={`${title}: ${share(total.share)}`}>{share(total.share)}</Drill> <small>{count(total.count)} of {count(now.total.asked.count)}</small></p>
            <Timeline label={title} height={260} max={1} from={now.buckets.map((bucket) => bucket.from!)} format={share}
              href={(index) => (now.buckets[index]?.asked.within[0].count ? href(now.buckets[index]) : undefined)}
              series={[{ name: 'Share', color: 3, values: now.buckets.map((bucket) => bucket.asked.within[0].share) }]} />
          </>
        )
      }}
    </Card>
  )
}

function Shape({ measure }: { measure: string }) {
  const place = usePlace()
  const { name, of } = measures[measure]!
  const key = measured(place, measure)
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, {}, `total {asked: ${key} {count histogramSql(bounds: [${bounds.join(', ')}]) histogram(bounds: [${bounds.join(', ')}]) {from to count share rows}}}`) }))
  return (
    <Card title={`Distribution of ${name.charAt(0).toLowerCase()}${name.slice(1)}`} data={answer} sql={({ metrics }) => statementOf({ sql: metrics.total.asked.histogramSql })} empty={({ metrics }) => !metrics.total.asked.count}>
      {({ metrics }) => (
        <Bars label={`Distribution of ${name}`} most={bounds.length + 1} bars={metrics.total.asked.histogram.map((bin: { from: number | null; to: number | null; count: number; share: number; rows: string }) => {
          const range = bin.from === null ? `under ${duration(bin.to)}` : bin.to === null ? `${duration(bin.from)} and more` : `${duration(bin.from)} – ${duration(bin.to)}`
          return { key: range, name: range, value: bin.count, text: count(bin.count), note: share(bin.share), href: rowsHref(place, of, bin.rows, `${name}: ${range}`) }
        })} />
      )}
    </Card>
  )
}

function ByDimension({ measure, within }: { measure: string; within: number }) {
  const place = usePlace()
  const { name, of } = measures[measure]!
  const key = measured(place, measure)
  const by = chosen(dimensions, place.get('by') ?? 'CHANNEL')
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { groupBy: [by] }, `sql total {asked: ${key} {within(ms: [${within}]) {bucketsSql}}} buckets {dimensions {name value label} asked: ${key} {count medianMs p90Ms p95Ms rows within(ms: [${within}]) {share}}}`) }))
  const rows = ({ metrics }: { metrics: Metrics }) => metrics.buckets.filter((bucket) => bucket.asked.count).sort((a, b) => b.asked.count - a.asked.count)
  return (
    <Card title={`${name} by`} wide data={answer} sql={({ metrics }) => ({ ...statementsOf(metrics, { [key]: 'Percentiles' }), ...sharesOf(metrics.total) })} empty={(data) => !rows(data).length} controls={<Choice name="by" label={`Break down ${name} by`} options={dimensions} value={by} />}>
      {(data) => (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${name} by ${dimensions[by]}`}>
          <SimpleTable head={[dimensions[by]!, 'Count', 'Median', 'p90', 'p95', `Within ${duration(within)}`]} rows={rows(data).map((bucket) => {
            const value = nameOf(bucket.dimensions[0]!)
            const d = bucket.asked
            return [value, { text: count(d.count), href: rowsHref(place, of, d.rows, `${name}: ${value}`) }, duration(d.medianMs), duration(d.p90Ms), duration(d.p95Ms), share(d.within[0].share)]
          })} />
        </div>
      )}
    </Card>
  )
}
