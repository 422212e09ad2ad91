// The figures of a chart as a statement for ClickHouse, over the views for dashboards. Only where it gives the same figures: what a
// statement cannot say, such as filters on contacts of a conversation, has none.

import { Name } from './api'
import type { Place } from './place'

const text = (value: unknown) => `'${String(value instanceof Name ? value.text : value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const list = (values: unknown[]) => values.map((value) => (typeof value === 'number' ? String(value) : text(value))).join(', ')
const instant = (at: string) => `toDateTime64(${text(at.replace('T', ' ').replace('Z', ''))}, 3, 'UTC')`

/** The columns of the filters that a row of the view answers by itself. */
const filters: Record<View, Record<string, string>> = {
  conversations: { projectIds: 'project_id', channels: 'channel', languages: 'language', campaignIds: 'campaign_id', automationLevels: 'automation_level', closeReason: 'close_reason' },
  contacts: { projectIds: 'project_id', channels: 'channel' },
}

type View = 'conversations' | 'contacts'

const timeOf: Record<View, string> = { conversations: 'closed_at', contacts: 'started_at' }

/** What the rows of an answer stand for. */
export type By = 'step' | 'week' | 'CHANNEL' | 'LANGUAGE' | 'PROJECT' | 'AUTOMATION_LEVEL' | 'CLOSE_REASON' | 'CAMPAIGN'

const columns: Partial<Record<By, string>> = {
  CHANNEL: 'channel', LANGUAGE: 'language', PROJECT: 'project_id', AUTOMATION_LEVEL: 'automation_level', CLOSE_REASON: 'close_reason', CAMPAIGN: 'campaign_id',
}

/** Columns of contacts among those. */
const ofContacts = ['CHANNEL', 'PROJECT']

function groups(place: Place, view: View, by: string): string[] | undefined {
  const time = timeOf[view]
  const zone = text(place.zone)
  if (by === 'week') return [`toDayOfWeek(${time}, 0, ${zone}) AS weekday`, `toHour(${time}, ${zone}) AS hour`]
  if (by === 'step') {
    return [{
      HOUR: `toStartOfHour(${time}, ${zone})`, DAY: `toStartOfDay(${time}, ${zone})`,
      WEEK: `toStartOfWeek(${time}, 1, ${zone})`, MONTH: `toStartOfMonth(${time}, ${zone})`,
    }[place.step] + ' AS step']
  }
  const column = columns[by as By]
  return column && (view === 'conversations' || ofContacts.includes(by)) ? [column] : undefined
}

/** The statement for figures of a view by something; undefined where there is none. */
export function statement(place: Place, view: View, by: string, figures: Record<string, string>): string | undefined {
  const grouped = groups(place, view, by)
  const conditions = [`${timeOf[view]} >= ${instant(place.interval.from)}`, `${timeOf[view]} < ${instant(place.interval.to)}`]
  if (place.projects) conditions.push(`project_id IN (${list(place.projects)})`)
  for (const [field, values] of Object.entries(place.filters ?? {})) {
    const column = filters[view][field]
    if (!column) return undefined
    conditions.push(`${column} IN (${list(values as unknown[])})`)
  }
  if (!grouped) return undefined
  const names = grouped.map((group) => group.split(' AS ').at(-1)!)
  return `SELECT ${[...grouped, ...Object.entries(figures).map(([name, figure]) => `${figure} AS ${name}`)].join(',\n  ')}
FROM parley.${view}
WHERE ${conditions.join('\n  AND ')}
GROUP BY ${names.join(', ')}
ORDER BY ${names.join(', ')}`
}

/** The counts of metrics. */
const counted: Record<string, { view: View; figure: string }> = {
  closedConversations: { view: 'conversations', figure: 'count()' },
  abandonedConversations: { view: 'conversations', figure: 'countIf(abandoned)' },
  reopenedConversations: { view: 'conversations', figure: 'countIf(reopen_count > 0)' },
  contacts: { view: 'contacts', figure: 'count()' },
}

/** A count of metrics by something. */
export function countStatement(place: Place, figure: string, by: string): string | undefined {
  const of = counted[figure]
  return of && statement(place, of.view, by, { [snake(figure)]: of.figure })
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const answered = (column: string) => `countIf(${column} IS NOT NULL)`

/** What visitors think, by step. */
export const surveyStatement: Record<'csat' | 'nps', (place: Place) => string | undefined> = {
  csat: (place) => statement(place, 'conversations', 'step', {
    survey_answers: answered('customer_satisfaction'),
    csat: `100 * countIf(customer_satisfaction >= 4) / nullIf(${answered('customer_satisfaction')}, 0)`,
  }),
  nps: (place) => statement(place, 'conversations', 'step', {
    nps_answers: answered('net_promoter_score'),
    nps: `100 * (countIf(net_promoter_score >= 9) - countIf(net_promoter_score <= 6)) / nullIf(${answered('net_promoter_score')}, 0)`,
  }),
}

/** The durations of metrics that a column has. */
const durations: Record<string, { view: View; column: string }> = {
  conversationFirstResponse: { view: 'conversations', column: 'first_response_time_ms' },
  resolution: { view: 'conversations', column: 'resolution_time_ms' },
  wait: { view: 'contacts', column: 'wait_time_ms' },
  contactFirstResponse: { view: 'contacts', column: 'first_response_time_ms' },
}

/** The percentiles of a duration by step; none in business hours. */
export function durationStatement(place: Place, measure: string): string | undefined {
  const of = durations[measure]
  return of && statement(place, of.view, 'step', {
    measured: answered(of.column),
    median_ms: `quantileExactInclusive(0.5)(${of.column})`,
    p90_ms: `quantileExactInclusive(0.9)(${of.column})`,
    p95_ms: `quantileExactInclusive(0.95)(${of.column})`,
  })
}
