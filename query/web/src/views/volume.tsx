// How many conversations and contacts there are, and when.

import { Timeline } from '../charts/timeline'
import { type Metrics, metrics, query, useData } from '../data'
import { behind, counts, hrefOf } from '../figures'
import { compact, count, share, stepName } from '../format'
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
    now: metrics(place, { step: true }, `total {${counts(...figures)}} buckets {from to ${counts(...figures)}}`),
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
            <Tile key={tile.key} name={tile.name} value={count(now.total[tile.key])} hint={of} rows={behind(now.total, tile.key)}
              now={now.total[tile.key]} before={before.total[tile.key]} better={tile.better} course={now.buckets.map((bucket) => bucket[tile.key])} />
          )
        })}
      </div>
      <Card
        title="Over time" wide data={answer}
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
      <Breakdown figure="closedConversations" what="Closed conversations" title="Conversations by" param="by" first="CHANNEL" />
      <Breakdown figure="contacts" what="Contacts" title="Contacts by" param="contactsby" first="OPERATOR" color={3} />
    </>
  )
}
