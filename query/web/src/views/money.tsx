// What conversations sell.

import { Timeline } from '../charts/timeline'
import { type Bucket, type Metrics, metrics, query, statementOf, statementsOf, useData } from '../data'
import { behind, counts, dimensions, hrefOf, nameOf } from '../figures'
import { count, money, share, shortMoney, stepName } from '../format'
import { usePlace } from '../place'
import { Card } from '../ui/card'
import { Choice, Segments, chosen } from '../ui/choice'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'

type Amounts = { currency: string; amount: number }[]

const amount = (amounts: Amounts | undefined, currency: string) => amounts?.find((one) => one.currency === currency)?.amount ?? null

export function Money() {
  const place = usePlace()
  const figures = `conversionRate revenue {currency amount} averageOrderValue {currency amount} revenuePerConversation {currency amount} ${counts('transactions', 'closedConversations')}`
  const answer = useData<{ now: Metrics; before: Metrics }>(query({
    now: metrics(place, { step: true }, `sql total {sql ${figures}} buckets {from to conversionRate revenue {currency amount} ${counts('transactions')}}`),
    before: metrics(place, { interval: place.before, step: true }, `total {conversionRate transactions revenue {currency amount} averageOrderValue {currency amount} revenuePerConversation {currency amount}} buckets {from revenue {currency amount}}`),
  }))
  const { data } = answer
  const currencies = data ? [...(data.now.total.revenue as Amounts)].sort((a, b) => b.amount - a.amount).map((one) => one.currency) : []
  const options = Object.fromEntries(currencies.map((currency) => [currency, currency]))
  const currency = currencies.length ? chosen(options, place.get('currency')) : 'EUR'
  const of = (bucket: Bucket, name: string) => amount(bucket[name], currency)
  return (
    <>
      <div class="tiles">
        {data && (
          <>
            <Tile of={answer} sql={statementOf(data.now.total)} name={`Revenue in ${currency}`} value={money(of(data.now.total, 'revenue'), currency)} now={of(data.now.total, 'revenue')} before={of(data.before.total, 'revenue')} better="more" course={data.now.buckets.map((bucket) => of(bucket, 'revenue') ?? 0)} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Transactions" value={count(data.now.total.transactions)} rows={behind(data.now.total, 'transactions')} now={data.now.total.transactions} before={data.before.total.transactions} better="more" course={data.now.buckets.map((bucket) => bucket.transactions)} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Conversion" value={share(data.now.total.conversionRate)} hint="of closed conversations" now={data.now.total.conversionRate} before={data.before.total.conversionRate} better="more" course={data.now.buckets.map((bucket) => bucket.conversionRate)} />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Average order" value={money(of(data.now.total, 'averageOrderValue'), currency)} now={of(data.now.total, 'averageOrderValue')} before={of(data.before.total, 'averageOrderValue')} better="more" />
            <Tile of={answer} sql={statementOf(data.now.total)} name="Revenue per conversation" value={money(of(data.now.total, 'revenuePerConversation'), currency)} now={of(data.now.total, 'revenuePerConversation')} before={of(data.before.total, 'revenuePerConversation')} better="more" />
          </>
        )}
      </div>
      <Card
        title="Revenue over time" wide data={answer} sql={({ now }) => statementsOf(now, { revenue: 'Revenue' })} empty={({ now }) => !now.total.transactions}
        controls={currencies.length > 1 && <Segments name="currency" label="Currency" options={options} value={currency} />}
        table={({ now }) => (
          <SimpleTable head={['Step', `Revenue in ${currency}`, 'Transactions']} rows={now.buckets.map((bucket) => {
            const step = stepName(bucket.from!, place.step, place.zone)
            return [step, money(of(bucket, 'revenue') ?? 0, currency), { text: count(bucket.transactions), href: bucket.transactions ? hrefOf(place, bucket, 'transactions', `Conversations with sales, ${step}`) : undefined }]
          })} />
        )}
      >
        {({ now, before }) => (
          <Timeline label={`Revenue in ${currency}`} from={now.buckets.map((bucket) => bucket.from!)} format={(value) => money(value, currency)} axis={(value) => shortMoney(value, currency)}
            href={(index) => (now.buckets[index]?.transactions ? hrefOf(place, now.buckets[index], 'transactions', `Conversations with sales, ${stepName(now.buckets[index].from!, place.step, place.zone)}`) : undefined)}
            series={[
              { name: 'Revenue', color: 3, bars: true, values: now.buckets.map((bucket) => of(bucket, 'revenue') ?? 0) },
              ...(place.compare && before.total.transactions ? [{ name: 'Period before', color: 2, dashed: true, values: now.buckets.map((_, index) => (before.buckets[index] ? of(before.buckets[index], 'revenue') ?? 0 : null)) }] : []),
            ]} />
        )}
      </Card>
      <Sources title="Revenue by" param="by" first="ROUTING_RULE" currency={currency} />
      <Sources title="Revenue also by" param="alsoby" first="CAMPAIGN" currency={currency} />
    </>
  )
}

/** Where revenue comes from. */
function Sources({ title, param, first, currency }: { title: string; param: string; first: string; currency: string }) {
  const place = usePlace()
  const by = chosen(dimensions, place.get(param) ?? first)
  const answer = useData<{ metrics: Metrics }>(query({
    metrics: metrics(place, { groupBy: [by] }, `sql buckets {dimensions {name value label} conversionRate revenue {currency amount} revenuePerConversation {currency amount} ${counts('closedConversations', 'transactions')}}`),
  }))
  const rows = (data: Metrics) => data.buckets.filter((bucket) => bucket.closedConversations).sort((a, b) => (amount(b.revenue, currency) ?? 0) - (amount(a.revenue, currency) ?? 0))
  return (
    <Card title={title} wide data={answer} sql={({ metrics }) => statementsOf(metrics, { revenue: 'Revenue' })} empty={({ metrics }) => !rows(metrics).length} controls={<Choice name={param} label={`${title}: dimension`} options={dimensions} value={by} />}>
      {({ metrics }) => (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title} ${dimensions[by]}`}>
          <SimpleTable head={[dimensions[by]!, `Revenue in ${currency}`, 'Per conversation', 'Conversion', 'Transactions', 'Conversations']} rows={rows(metrics).map((bucket) => {
            const name = nameOf(bucket.dimensions[0]!)
            return [
              name, money(amount(bucket.revenue, currency), currency), money(amount(bucket.revenuePerConversation, currency), currency), share(bucket.conversionRate),
              { text: count(bucket.transactions), href: bucket.transactions ? hrefOf(place, bucket, 'transactions', `Conversations with sales: ${name}`) : undefined },
              { text: count(bucket.closedConversations), href: hrefOf(place, bucket, 'closedConversations', `Closed conversations: ${name}`) },
            ]
          })} />
        </div>
      )}
    </Card>
  )
}
