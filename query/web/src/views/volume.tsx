// How many conversations and contacts there are, and when.

import { Grid } from '../charts/grid'
import { Timeline } from '../charts/timeline'
import { type Bucket, type Metrics, metrics, query, statementOf, statementsOf, useData } from '../data'
import { behind, counts, hrefOf } from '../figures'
import { compact, count, hourOfDay, share, stepName, weekday } from '../format'
import { usePlace } from '../place'
import { Card } from '../ui/card'
import { Segments, chosen } from '../ui/choice'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'
import { Breakdown } from './breakdown'

const figures = ['closedConversations', 'contacts', 'abandonedConversations', 'reopenedConversations']
const charted = { closedConversations: 'Closed conversations', contacts: 'Contacts', abandonedConversations: 'Abandoned', reopenedConversations: 'Reopened' }

export function Volume() {
  const place = usePlace()
  const answer = useData<{ now: Metrics; before: Metrics }>(query({
    now: metrics(place, { step: true }, `sql total {sql ${counts(...figures)}} buckets {from to ${counts(...figures)}}`),
    before: metrics(place, { interval: place.before, step: true }, `total {${figures.join(' ')}} buckets {from ${figures.join(' ')}}`),
  }))
  const figure = chosen(charted, place.get('figure'))
  const name = charted[figure as keyof typeof charted]
  const rows = ({ now }: { now: Metrics }, index: number) => {
    const bucket = now.buckets[index]
    return bucket && bucket[figure] ? hrefOf(place, bucket, figure, `${name}, ${stepName(bucket.from!, place.step, place.zone)}`) : undefined
  }
  return (
    <>
      <div class="tiles" aria-live="polite">
        {answer.data && [
          { name: 'Closed conversations', key: 'closedConversations' },
          { name: 'Contacts', key: 'contacts' },
          { name: 'Abandoned', key: 'abandonedConversations', better: 'less' as const },
          { name: 'Reopened', key: 'reopenedConversations', better: 'less' as const },
        ].map((tile) => {
          const { now, before } = answer.data!
          const of = tile.key === 'abandonedConversations' || tile.key === 'reopenedConversations' ? `${share(now.total.closedConversations ? now.total[tile.key] / now.total.closedConversations : null)} of closed` : undefined
          return (
            <Tile key={tile.key} of={answer} sql={statementOf(now.total)} name={tile.name} value={count(now.total[tile.key])} hint={of} rows={behind(now.total, tile.key)}
              now={now.total[tile.key]} before={before.total[tile.key]} better={tile.better} course={now.buckets.map((bucket) => bucket[tile.key])} />
          )
        })}
      </div>
      <Card
        title="Over time" wide data={answer} sql={({ now }) => statementsOf(now, { [figure]: name })}
        controls={<Segments name="figure" label="Figure" options={charted} value={figure} />}
        table={({ now, before }) => (
          <SimpleTable head={['Step', name, ...(place.compare ? ['Period before'] : [])]} rows={now.buckets.map((bucket, index) => [
            stepName(bucket.from!, place.step, place.zone), { text: count(bucket[figure]), href: rows({ now }, index) },
            ...(place.compare ? [count(before.buckets[index]?.[figure])] : []),
          ])} />
        )}
      >
        {(data) => (
          <Timeline label={name} from={data.now.buckets.map((bucket) => bucket.from!)} format={count} axis={compact} href={(index) => rows(data, index)}
            series={[
              { name, color: 1, bars: true, values: data.now.buckets.map((bucket) => bucket[figure]) },
              ...(place.compare && data.before.total[figure] ? [{ name: 'Period before', color: 2, dashed: true, values: data.now.buckets.map((_, index) => data.before.buckets[index]?.[figure] ?? null) }] : []),
            ]} />
        )}
      </Card>
      <Week figure={figure} name={name} />
      <Backlog />
      <Breakdown figure="closedConversations" what="Closed conversations" title="Conversations by" param="by" first="CHANNEL" />
      <Breakdown figure="contacts" what="Contacts" title="Contacts by" param="contactsby" first="OPERATOR" color={3} />
    </>
  )
}

/** The figure by weekday and hour of local time. */
function Week({ figure, name }: { figure: string; name: string }) {
  const place = usePlace()
  const answer = useData<{ metrics: Metrics }>(query({
    metrics: metrics(place, { groupBy: ['DAY_OF_WEEK', 'HOUR_OF_DAY'] }, `sql buckets {dimensions {name value label} ${counts(figure)}}`),
  }))
  return (
    <Card title="Hours of the week" wide note={`${name} by weekday and hour, in ${place.zone.replaceAll('_', ' ')}`} data={answer} sql={({ metrics }) => statementsOf(metrics, { [figure]: name })} empty={({ metrics }) => !metrics.buckets.some((bucket) => bucket[figure])}>
      {({ metrics }) => {
        const at = new Map(metrics.buckets.map((bucket) => [bucket.dimensions.map((dimension) => Number(dimension.value)).join(), bucket]))
        return (
          <Grid dense label={`${name} by weekday and hour`} columns={Array.from({ length: 24 }, (_, hour) => hourOfDay(hour))}
            rows={[1, 2, 3, 4, 5, 6, 7].map((day) => ({
              name: weekday(day),
              cells: Array.from({ length: 24 }, (_, hour) => {
                const bucket = at.get([day, hour].join())
                const value = bucket?.[figure] ?? 0
                const label = `${weekday(day)} ${hourOfDay(hour)}: ${count(value)} ${name.toLowerCase()}`
                return { value, text: value ? compact(value) : '', label, href: bucket && hrefOf(place, bucket, figure, `${name}, ${weekday(day)} ${hourOfDay(hour)}`) }
              }),
            }))} />
        )
      }}
    </Card>
  )
}

const states = { createdConversations: 'Created', closings: 'Closed', openAtEnd: 'Open at the end' }

/** What came in, what was closed, and what was left at the end of each step. */
function Backlog() {
  const place = usePlace()
  const names = Object.keys(states) as (keyof typeof states)[]
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { step: true }, `sql buckets {from to ${counts(...names)}}`) }))
  const rows = (bucket: Bucket | undefined, name: keyof typeof states) =>
    bucket?.[name] ? hrefOf(place, bucket, name, `${states[name]}, ${stepName(bucket.from!, place.step, place.zone)}`) : undefined
  const values = (data: Metrics, name: string) => data.buckets.map((bucket) => bucket[name])
  return (
    <Card title="Backlog" wide note="Conversations created and closed in each step, each at its own time, and those open at its end" data={answer} sql={({ metrics }) => statementsOf(metrics, states)}
      table={({ metrics }) => (
        <SimpleTable head={['Step', ...Object.values(states)]} rows={metrics.buckets.map((bucket) => [
          stepName(bucket.from!, place.step, place.zone), ...names.map((name) => ({ text: count(bucket[name]), href: rows(bucket, name) })),
        ])} />
      )}
    >
      {({ metrics }) => (
        <Timeline label="Backlog" from={metrics.buckets.map((bucket) => bucket.from!)} format={count} axis={compact} height={190} href={(index) => rows(metrics.buckets[index], 'openAtEnd')}
          series={[
            { name: states.createdConversations, color: 1, values: values(metrics, 'createdConversations') },
            { name: states.closings, color: 3, dashed: true, values: values(metrics, 'closings') },
            { name: states.openAtEnd, color: 2, bars: true, values: values(metrics, 'openAtEnd') },
          ]} />
      )}
    </Card>
  )
}
