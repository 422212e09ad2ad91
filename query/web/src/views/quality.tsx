// What visitors think: CSAT and NPS, each with the number of answers behind it.

import { Bars } from '../charts/bars'
import { Timeline } from '../charts/timeline'
import { type Metrics, metrics, query, statementOf, statementsOf, useData } from '../data'
import { behind, counts, hrefOf } from '../figures'
import { count, csat, moment, score, share, stepName } from '../format'
import { usePlace } from '../place'
import { field, Name } from '../api'
import { Card } from '../ui/card'
import { SimpleTable } from '../ui/table'
import { Tile } from '../ui/tile'

const surveys = {
  csat: { name: 'CSAT', full: 'Customer satisfaction (CSAT)', answers: 'surveyAnswers', format: csat, max: 100, color: 1 },
  nps: { name: 'NPS', full: 'Net promoter score (NPS)', answers: 'npsAnswers', format: score, max: 100, color: 5 },
} as const

type Survey = keyof typeof surveys

export function Quality() {
  const place = usePlace()
  const figures = `csat nps ${counts('surveyAnswers', 'npsAnswers', 'closedConversations')}`
  const answer = useData<{ now: Metrics; before: Metrics }>(query({
    now: metrics(place, { step: true }, `sql total {sql ${figures}} buckets {from to ${figures}}`),
    before: metrics(place, { interval: place.before, step: true }, `total {csat nps surveyAnswers npsAnswers} buckets {from csat nps}`),
  }))
  const { data } = answer
  return (
    <>
      <div class="tiles">
        {data && (Object.keys(surveys) as Survey[]).flatMap((key) => {
          const { name, answers, format } = surveys[key]
          const { now, before } = data
          return [
            <Tile key={key} of={answer} sql={statementOf(now.total)} name={name} value={format(now.total[key])} rows={behind(now.total, answers)} now={now.total[key]} before={before.total[key]} better="more" points course={now.buckets.map((bucket) => bucket[key])} />,
            <Tile key={answers} of={answer} sql={statementOf(now.total)} name={`Answers to ${name}`} value={count(now.total[answers])} hint={`${share(now.total.closedConversations ? now.total[answers] / now.total.closedConversations : null)} of closed`}
              rows={behind(now.total, answers)} now={now.total[answers]} before={before.total[answers]} course={now.buckets.map((bucket) => bucket[answers])} />,
          ]
        })}
      </div>
      {(Object.keys(surveys) as Survey[]).map((key) => {
        const { full, answers, format, max, color } = surveys[key]
        const href = ({ now }: { now: Metrics }, index: number) => {
          const bucket = now.buckets[index]
          return bucket?.[answers] ? hrefOf(place, bucket, answers, `Answers, ${stepName(bucket.from!, place.step, place.zone)}`) : undefined
        }
        return (
          <Card key={key} title={full} data={answer} sql={({ now }) => statementsOf(now, { [key]: surveys[key].name })} empty={({ now }) => !now.total[answers]}
            table={({ now }) => (
              <SimpleTable head={['Step', surveys[key].name, 'Answers']} rows={now.buckets.map((bucket, index) => [
                stepName(bucket.from!, place.step, place.zone), format(bucket[key]), { text: count(bucket[answers]), href: href({ now }, index) },
              ])} />
            )}
          >
            {(data) => (
              <>
                <Timeline label={full} from={data.now.buckets.map((bucket) => bucket.from!)} max={max} format={format} href={(index) => href(data, index)} height={180}
                  series={[
                    { name: surveys[key].name, color, values: data.now.buckets.map((bucket) => bucket[key]) },
                    ...(place.compare && data.before.total[answers] ? [{ name: 'Period before', color: 2, dashed: true, values: data.now.buckets.map((_, index) => data.before.buckets[index]?.[key] ?? null) }] : []),
                  ]} />
                <Timeline label={`Answers to ${surveys[key].name}`} from={data.now.buckets.map((bucket) => bucket.from!)} format={count} href={(index) => href(data, index)} height={90}
                  series={[{ name: 'Answers', color: 6, bars: true, values: data.now.buckets.map((bucket) => bucket[answers]) }]} />
              </>
            )}
          </Card>
        )
      })}
      <Answers figure="surveyAnswers" title="Answers from 1 to 5" values={[5, 4, 3, 2, 1]} by="CUSTOMER_SATISFACTION" name={(n) => `${'★'.repeat(n)} ${n}`} color={1} />
      <Answers figure="npsAnswers" title="Answers from 0 to 10" values={[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]} by="NET_PROMOTER_SCORE" name={(n) => `${n} ${n >= 9 ? 'promoter' : n >= 7 ? 'passive' : 'detractor'}`} color={5} />
      <Comments />
    </>
  )
}

interface AnswersProps {
  figure: string
  title: string
  values: number[]
  /** The dimension of the answers. */
  by: string
  name: (value: number) => string
  color: number
}

function Answers({ figure, title, values, by, name, color }: AnswersProps) {
  const place = usePlace()
  const answer = useData<{ metrics: Metrics }>(query({ metrics: metrics(place, { groupBy: [by] }, `sql total {${figure}} buckets {dimensions {name value label} ${counts(figure)}}`) }))
  return (
    <Card title={title} data={answer} sql={({ metrics }) => statementsOf(metrics, { [figure]: title })} empty={({ metrics }) => !metrics.total[figure]}>
      {({ metrics }) => (
        <Bars label={title} most={values.length} color={color} bars={values.map((value) => {
          const bucket = metrics.buckets.find((bucket) => bucket.dimensions[0]!.value === String(value))
          const answers = bucket?.[figure] ?? 0
          return {
            key: String(value), name: name(value), value: answers, text: count(answers),
            note: share(answers / metrics.total[figure]), href: bucket && hrefOf(place, bucket, figure, `Answered ${value}`),
          }
        })} />
      )}
    </Card>
  )
}

interface Commented {
  closedConversations: { sql: string | null; edges: { node: { id: string; project: { id: number }; closedAt: string; channel: string; satisfactionSurvey: { customerSatisfaction: number | null; comment: string | null } | null } }[] }
}

/** The latest comments, among the last hundred surveys. */
function Comments() {
  const place = usePlace()
  const answer = useData<Commented>(query({
    closedConversations: field('closedConversations', { filters: { ...place.filters, customerSatisfaction: [1, 2, 3, 4, 5] }, interval: place.interval, orderBy: new Name('CLOSED_AT_DESC'), first: 100 },
      'sql edges {node {id project {id} closedAt channel satisfactionSurvey {customerSatisfaction comment}}}'),
  }))
  const commented = (data: Commented) => data.closedConversations.edges.map(({ node }) => node).filter((node) => node.satisfactionSurvey?.comment).slice(0, 12)
  return (
    <Card title="Latest comments" wide data={answer} sql={({ closedConversations }) => statementOf(closedConversations)} empty={(data) => !commented(data).length}>
      {(data) => (
        <ul class="comments">
          {commented(data).map((node) => (
            <li key={`${node.project.id} ${node.id}`}>
              <a href={place.to('conversation', { of: String(node.project.id), id: node.id, back: 'quality' })}>
                <span class={`stars r${node.satisfactionSurvey!.customerSatisfaction}`} role="img" aria-label={`${node.satisfactionSurvey!.customerSatisfaction} of 5`}>{'★'.repeat(node.satisfactionSurvey!.customerSatisfaction ?? 0)}</span>
                <q>{node.satisfactionSurvey!.comment}</q>
                <small>{moment(node.closedAt, place.zone)}</small>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
