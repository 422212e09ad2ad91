// How conversations travel: how contacts end, who hands over, and what bots do alone.

import { Name, field } from '../api'
import { Bars } from '../charts/bars'
import { Grid } from '../charts/grid'
import { Timeline } from '../charts/timeline'
import { type Metrics, metrics, query, statementOf, statementsOf, useData } from '../data'
import { behind, counts, hrefOf, nameOf } from '../figures'
import { count, duration, share, stepName, words } from '../format'
import { usePlace } from '../place'
import { Card } from '../ui/card'
import { Choice, chosen } from '../ui/choice'
import { rowsHref } from '../ui/drill'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'
import { Breakdown } from './breakdown'

const figures = ['transferredContacts', 'snoozedContacts', 'unansweredContacts']

export function Flow() {
  const place = usePlace()
  const selection = `${counts(...figures, 'contacts')} transferRate answerRate`
  const answer = useData<{ now: Metrics; before: Metrics; automation: Metrics; automationBefore: Metrics }>(query({
    now: metrics(place, { step: true }, `sql total {sql ${selection} snoozeReturnRate snoozeReturn {count medianMs rows}} buckets {from to ${selection}}`),
    before: metrics(place, { interval: place.before }, `total {${figures.join(' ')} contacts transferRate answerRate snoozeReturn {medianMs}}`),
    automation: metrics(place, { groupBy: ['AUTOMATION_LEVEL'] }, `sql total {closedConversations} buckets {dimensions {name value label} ${counts('closedConversations')}}`),
    automationBefore: metrics(place, { interval: place.before, groupBy: ['AUTOMATION_LEVEL'] }, `total {closedConversations} buckets {dimensions {name value label} closedConversations}`),
  }))
  const { data } = answer
  const alone = (of?: Metrics) => of?.buckets.find((bucket) => bucket.dimensions[0]!.value === 'FULLY_AUTOMATED')
  /** Of the conversations that a bot took part in, the share that no person had to join. */
  const contained = (of?: Metrics) => {
    const bot = of?.buckets.filter((bucket) => ['FULLY_AUTOMATED', 'PARTIALLY_AUTOMATED'].includes(bucket.dimensions[0]!.value!)).reduce((sum, bucket) => sum + bucket.closedConversations, 0)
    return bot ? (alone(of)?.closedConversations ?? 0) / bot : null
  }
  return (
    <>
      <div class="tiles">
        {data && (
          <>
            <Tile of={answer} sql={statementsOf(data.automation, { closedConversations: 'Closed conversations' })} name="Bot containment" value={share(contained(data.automation))} hint="of bot conversations" now={contained(data.automation)} before={contained(data.automationBefore)} better="more"
              rows={alone(data.automation) && behind(alone(data.automation)!, 'closedConversations')} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Transferred contacts" value={count(data.now.total.transferredContacts)} hint={`${share(data.now.total.transferRate)} of contacts`} rows={behind(data.now.total, 'transferredContacts')}
              now={data.now.total.transferredContacts} before={data.before.total.transferredContacts} better="less" course={data.now.buckets.map((bucket) => bucket.transferredContacts)} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Snoozed contacts" value={count(data.now.total.snoozedContacts)} rows={behind(data.now.total, 'snoozedContacts')}
              now={data.now.total.snoozedContacts} before={data.before.total.snoozedContacts} course={data.now.buckets.map((bucket) => bucket.snoozedContacts)} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Return from a snooze, median" value={duration(data.now.total.snoozeReturn.medianMs)} hint={`${share(data.now.total.snoozeReturnRate)} return`}
              rows={{ of: 'contacts', rows: data.now.total.snoozeReturn.rows, count: data.now.total.snoozeReturn.count }} now={data.now.total.snoozeReturn.medianMs} before={data.before.total.snoozeReturn.medianMs} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Unanswered contacts" value={count(data.now.total.unansweredContacts)} rows={behind(data.now.total, 'unansweredContacts')}
              now={data.now.total.unansweredContacts} before={data.before.total.unansweredContacts} better="less" course={data.now.buckets.map((bucket) => bucket.unansweredContacts)} />
          </>
        )}
      </div>
      <Endings />
      <Automation data={answer} />
      <Card title="Transfers and snoozes over time" wide data={answer} sql={({ now }) => statementsOf(now, { transferredContacts: 'Contacts' })}
        table={({ now }) => (
          <SimpleTable head={['Step', 'Transferred', 'Snoozed']} rows={now.buckets.map((bucket) => {
            const step = stepName(bucket.from!, place.step, place.zone)
            return [step, ...['transferredContacts', 'snoozedContacts'].map((name) => ({ text: count(bucket[name]), href: bucket[name] ? hrefOf(place, bucket, name, `Contacts, ${step}`) : undefined }))]
          })} />
        )}
      >
        {({ now }) => (
          <Timeline label="Transfers and snoozes" from={now.buckets.map((bucket) => bucket.from!)} format={count} height={190}
            href={(index) => (now.buckets[index]?.transferredContacts ? hrefOf(place, now.buckets[index], 'transferredContacts', `Transferred contacts, ${stepName(now.buckets[index].from!, place.step, place.zone)}`) : undefined)}
            series={[
              { name: 'Transferred', color: 1, values: now.buckets.map((bucket) => bucket.transferredContacts) },
              { name: 'Snoozed', color: 2, values: now.buckets.map((bucket) => bucket.snoozedContacts) },
            ]} />
        )}
      </Card>
      <Matrix />
      <Breakdown figure="transferredContacts" what="Transferred contacts" title="Transferred by" param="by" first="OPERATOR" color={2} />
      <Breakdown figure="unansweredContacts" what="Unanswered contacts" title="Unanswered by" param="unansweredby" first="ROUTING_GROUP" color={4} />
    </>
  )
}

const endings = { CLOSED: 'Closed', TRANSFERRED: 'Transferred', SNOOZED: 'Snoozed', REPUSHED: 'Pushed again', open: 'Still open' }

function Endings() {
  const place = usePlace()
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { groupBy: ['ENDING'] }, `sql total {contacts} buckets {dimensions {name value label} ${counts('contacts')}}`) }))
  const of = (data: Metrics, ending: string) => data.buckets.find((bucket) => (bucket.dimensions[0]!.value ?? 'open') === ending)
  return (
    <Card title="Contacts by ending" data={answer} sql={({ metrics }) => statementsOf(metrics, { contacts: 'Contacts' })} empty={({ metrics }) => !metrics.total.contacts}>
      {({ metrics }) => (
        <Bars label="Contacts by ending" color={3} bars={Object.entries(endings).map(([ending, name]) => {
          const bucket = of(metrics, ending)
          const value = bucket?.contacts ?? 0
          return { key: ending, name, value, text: count(value), note: share(value / metrics.total.contacts), href: bucket && hrefOf(place, bucket, 'contacts', `Contacts: ${name}`) }
        })} />
      )}
    </Card>
  )
}

function Automation({ data }: { data: ReturnType<typeof useData<{ now: Metrics; before: Metrics; automation: Metrics; automationBefore: Metrics }>> }) {
  const place = usePlace()
  return (
    <Card title="Bots and people" note="Closed conversations by who handled them" data={data} sql={({ automation }) => statementsOf(automation, { closedConversations: 'Closed conversations' })} empty={({ automation }) => !automation.total.closedConversations}>
      {({ automation }) => (
        <Bars label="Conversations by automation" color={5} bars={automation.buckets.filter((bucket) => bucket.closedConversations).sort((a, b) => b.closedConversations - a.closedConversations).map((bucket) => {
          const level = bucket.dimensions[0]!
          const name = level.value === null ? 'No contact' : nameOf(level)
          return { key: String(level.value), name, value: bucket.closedConversations, text: count(bucket.closedConversations), note: share(bucket.closedConversations / automation.total.closedConversations), href: hrefOf(place, bucket, 'closedConversations', name) }
        })} />
      )}
    </Card>
  )
}

const ends = { GROUP: 'Routing group', OPERATOR: 'Operator', RULE: 'Routing rule', OPERATOR_KIND: 'Kind of operator' }
const mostEnds = 16

interface End {
  value: string | null
  label: string | null
}

interface Transfers {
  transfers: { from: End; to: End; count: number; rows: string }[]
  transfersSql: string | null
}

/** Transfers from whom to whom. */
function Matrix() {
  const place = usePlace()
  const by = chosen(ends, place.get('between'))
  const question = { filters: place.filters, interval: place.interval, by: new Name(by) }
  const answer = useData<Transfers>(query({ transfers: field('transfers', question, 'from {value label} to {value label} count rows'), transfersSql: field('transfersSql', question) }))
  const nameOf = (end: End) => end.label ?? (end.value === null ? 'Nobody yet' : by === 'OPERATOR_KIND' ? words(end.value) : end.value)
  return (
    <Card title="Transfers from and to" wide data={answer} sql={({ transfersSql }) => statementOf({ sql: transfersSql })} empty={({ transfers }) => !transfers.length}
      controls={<Choice name="between" label="Transfers between" options={ends} value={by} />}
      table={({ transfers }) => (
        <SimpleTable head={['From', 'To', 'Contacts']} rows={transfers.map((one) => [nameOf(one.from), nameOf(one.to), { text: count(one.count), href: rowsHref(place, 'contacts', one.rows, `Transfers: ${nameOf(one.from)} → ${nameOf(one.to)}`) }])} />
      )}
    >
      {({ transfers }) => {
        const sums = (end: (one: Transfers['transfers'][number]) => End) => {
          const found = new Map<string | null, { end: End; sum: number }>()
          for (const one of transfers) found.set(end(one).value, { end: end(one), sum: (found.get(end(one).value)?.sum ?? 0) + one.count })
          return [...found.values()].sort((a, b) => b.sum - a.sum)
        }
        const from = sums((one) => one.from).slice(0, mostEnds)
        const to = sums((one) => one.to).slice(0, mostEnds)
        return (
          <Grid label="Table of transfers, from the rows to the columns" corner="from ↓ to →" columns={to.map(({ end }) => nameOf(end))}
            rows={from.map((row) => ({
              name: nameOf(row.end),
              cells: to.map((column) => {
                const one = transfers.find((one) => one.from.value === row.end.value && one.to.value === column.end.value)
                const pair = `${nameOf(row.end)} → ${nameOf(column.end)}`
                return one ? { value: one.count, text: count(one.count), label: `${pair}: ${count(one.count)} contacts`, href: rowsHref(place, 'contacts', one.rows, `Transfers: ${pair}`) } : null
              }),
            }))} />
        )
      }}
    </Card>
  )
}
