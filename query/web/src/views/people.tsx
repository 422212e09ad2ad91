// A table of operators.

import { Name, field } from '../api'
import { type Bucket, type Metrics, metrics, query, statementsOf, useData } from '../data'
import { counts, hrefOf, nameOf } from '../figures'
import { count, csat, duration, score, share } from '../format'
import { type Place, usePlace } from '../place'
import { Card } from '../ui/card'
import { rowsHref } from '../ui/drill'

/** A column: how it is called, what it sorts by, what it shows, and where that leads. */
interface Column {
  key: string
  name: string
  value: (bucket: Bucket) => number | null
  text: (bucket: Bucket) => string
  href?: (place: Place, bucket: Bucket, operator: string) => string | undefined
  share?: (bucket: Bucket) => number | null
}

const counted = (key: string, name: string): Column => ({
  key, name, value: (bucket) => bucket[key], text: (bucket) => count(bucket[key]),
  href: (place, bucket, operator) => (bucket[key] ? hrefOf(place, bucket, key, `${name}: ${operator}`) : undefined),
})

const columns: Column[] = [
  counted('contacts', 'Contacts'),
  counted('closedConversations', 'Closed conversations'),
  { key: 'answerRate', name: 'Answered', value: (bucket) => bucket.answerRate, text: (bucket) => share(bucket.answerRate), share: (bucket) => bucket.answerRate },
  { key: 'transferRate', name: 'Transferred', value: (bucket) => bucket.transferRate, text: (bucket) => share(bucket.transferRate), href: (place, bucket, operator) => (bucket.transferredContacts ? hrefOf(place, bucket, 'transferredContacts', `Transferred contacts: ${operator}`) : undefined) },
  { key: 'response', name: 'Response, median', value: (bucket) => bucket.contactFirstResponse.medianMs, text: (bucket) => duration(bucket.contactFirstResponse.medianMs), href: (place, bucket, operator) => (bucket.contactFirstResponse.count ? rowsHref(place, 'contacts', bucket.contactFirstResponse.rows, `Contacts with a response: ${operator}`) : undefined) },
  { key: 'slow', name: 'p90', value: (bucket) => bucket.contactFirstResponse.p90Ms, text: (bucket) => duration(bucket.contactFirstResponse.p90Ms) },
  { key: 'handle', name: 'Contact, median', value: (bucket) => bucket.contactDuration.medianMs, text: (bucket) => duration(bucket.contactDuration.medianMs) },
  { key: 'average', name: 'At a time', value: (bucket) => bucket.averageWhileBusy ?? null, text: (bucket) => score(bucket.averageWhileBusy) },
  { key: 'peak', name: 'Peak', value: (bucket) => bucket.peak ?? null, text: (bucket) => count(bucket.peak) },
  { key: 'csat', name: 'CSAT', value: (bucket) => bucket.csat, text: (bucket) => csat(bucket.csat), share: (bucket) => (bucket.csat === null ? null : bucket.csat / 100), href: (place, bucket, operator) => (bucket.surveyAnswers ? hrefOf(place, bucket, 'surveyAnswers', `Answers to CSAT: ${operator}`) : undefined) },
]

/** How many contacts an operator has at the same time. */
interface Concurrency {
  value: string | null
  handleTimeMs: number
  averageWhileBusy: number | null
  peak: number
}

export function People() {
  const place = usePlace()
  const together = useData<{ concurrency: { sql: string; buckets: Concurrency[] } }>(query({
    concurrency: field('concurrency', { filters: place.filters, interval: place.interval, by: new Name('OPERATOR') }, 'sql buckets {value handleTimeMs averageWhileBusy peak}'),
  }))
  const answer = useData<{ metrics: Metrics; closed: Metrics }>(query({
    metrics: metrics(place, { groupBy: ['OPERATOR', 'OPERATOR_KIND'] },
      `sql buckets {dimensions {name value label} ${counts('contacts', 'transferredContacts')} answerRate transferRate contactFirstResponse {count medianMs p90Ms rows} contactDuration {count medianMs}}`),
    closed: metrics(place, { groupBy: ['OPERATOR'] }, `sql buckets {dimensions {value} ${counts('closedConversations', 'surveyAnswers')} csat}`),
  }))
  const reload = () => {
    answer.reload()
    together.reload()
  }
  const [key, order] = (place.get('sort') ?? 'contacts.down').split('.')
  const column = columns.find((column) => column.key === key)
  const people = ({ metrics, closed }: { metrics: Metrics; closed: Metrics }) => {
    const busy = new Map(together.data?.concurrency.buckets.map((bucket) => [bucket.value, bucket]))
    const handled = new Map(closed.buckets.map((bucket) => [bucket.dimensions[0]!.value, bucket]))
    const rows = metrics.buckets.filter((bucket) => bucket.dimensions[0]!.value !== null && bucket.contacts > 0)
      .map((bucket): Bucket => ({ closedConversations: 0, surveyAnswers: 0, csat: null, ...handled.get(bucket.dimensions[0]!.value), ...busy.get(bucket.dimensions[0]!.value), ...bucket }))
    const turn = order === 'up' ? 1 : -1
    const last = -Infinity * turn
    return column
      ? rows.sort((a, b) => ((column.value(a) ?? last) - (column.value(b) ?? last)) * turn || 0)
      : rows.sort((a, b) => nameOf(a.dimensions[0]!).localeCompare(nameOf(b.dimensions[0]!)) * turn)
  }
  const heading = (name: string, of: string) => {
    const sorted = of === key || (of === 'name' && !column)
    const next = sorted && order === 'down' ? 'up' : 'down'
    return (
      <th key={of} scope="col" aria-sort={sorted ? (order === 'up' ? 'ascending' : 'descending') : undefined}>
        <a href={place.href({ sort: `${of}.${next}` })}>{name}<span aria-hidden="true">{sorted ? (order === 'up' ? ' ↑' : ' ↓') : ''}</span></a>
      </th>
    )
  }
  return (
    <Card title="Operators" wide tall data={{ ...answer, loading: answer.loading || together.loading, failure: answer.failure ?? together.failure, reload }} sql={({ metrics, closed }) => ({ ...statementsOf(metrics, { contacts: 'Contacts' }), ...statementsOf(closed, { closedConversations: 'Closed conversations' }), ...(together.data && { 'Contacts at a time': together.data.concurrency.sql }) })} empty={(data) => !people(data).length}>
      {(data) => (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of operators">
          <table class="plain people">
            <thead><tr>{heading('Operator', 'name')}{columns.map((column) => heading(column.name, column.key))}</tr></thead>
            <tbody>
              {people(data).map((bucket) => {
                const [operator, kind] = bucket.dimensions
                const name = nameOf(operator!)
                return (
                  <tr key={`${operator!.value} ${kind!.value}`}>
                    <th scope="row"><a href={place.href({ operator: operator!.value! })}>{name}</a> <span class={`badge ${kind!.value === 'BOT' ? 'bot' : ''}`}>{nameOf(kind!)}</span></th>
                    {columns.map((column) => {
                      const href = column.href?.(place, bucket, name)
                      const part = column.share?.(bucket)
                      return (
                        <td key={column.key}>
                          {href ? <a href={href}>{column.text(bucket)}</a> : column.text(bucket)}
                          {part != null && <span class="meter" aria-hidden="true"><span style={{ width: `${part * 100}%` }} /></span>}
                        </td>
                      )
                    })}
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
