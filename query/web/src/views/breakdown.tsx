// A figure by a dimension that the reader chooses.

import { Bars } from '../charts/bars'
import { type Metrics, metrics, query, statementsOf, useData } from '../data'
import { counts, dimensions, hrefOf, nameOf } from '../figures'
import { count, share } from '../format'
import { usePlace } from '../place'
import { Card } from '../ui/card'
import { Choice, chosen } from '../ui/choice'
import { SimpleTable } from '../ui/table'

interface BreakdownProps {
  /** A count of metrics. */
  figure: string
  title: string
  what: string
  param: string
  first?: string
  color?: number
}

export function Breakdown({ figure, title, what, param, first, color }: BreakdownProps) {
  const place = usePlace()
  const by = chosen(dimensions, place.get(param) ?? first ?? null)
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { groupBy: [by] }, `sql total {${counts(figure)}} buckets {dimensions {name value label} ${counts(figure)}}`) }))
  const sorted = (data: Metrics) => [...data.buckets].filter((bucket) => bucket[figure] > 0).sort((a, b) => b[figure] - a[figure])
  const titleOf = (name: string) => `${what}: ${name}`
  return (
    <Card
      title={title} data={answer} sql={({ metrics }) => statementsOf(metrics, { [figure]: what })} empty={(data) => sorted(data.metrics).length === 0}
      controls={<Choice name={param} label={`Break down ${title} by`} options={dimensions} value={by} />}
      table={({ metrics }) => (
        <SimpleTable head={[dimensions[by]!, what, 'Share']} rows={sorted(metrics).map((bucket) => {
          const name = nameOf(bucket.dimensions[0]!)
          return [name, { text: count(bucket[figure]), href: hrefOf(place, bucket, figure, titleOf(name)) }, share(bucket[figure] / metrics.total[figure])]
        })} />
      )}
    >
      {({ metrics }) => (
        <Bars label={title} color={color} bars={sorted(metrics).map((bucket) => {
          const name = nameOf(bucket.dimensions[0]!)
          return {
            key: String(bucket.dimensions[0]!.value), name, value: bucket[figure], text: count(bucket[figure]),
            note: share(bucket[figure] / metrics.total[figure]), href: hrefOf(place, bucket, figure, titleOf(name)),
          }
        })} />
      )}
    </Card>
  )
}
