// Local dates of a time zone, and the intervals of the API.

/** A half-open interval of the API. */
export interface Interval {
  from: string
  to: string
}

const formats = new Map<string, Intl.DateTimeFormat>()

function parts(zone: string, at: number): number[] {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    })
    formats.set(zone, format)
  }
  const found: Record<string, number> = {}
  for (const part of format.formatToParts(at)) found[part.type] = Number(part.value)
  return [found.year!, found.month!, found.day!, found.hour!, found.minute!, found.second!]
}

/** The difference between local time and UTC at a moment, in milliseconds. */
function offset(zone: string, at: number): number {
  const [year, month, day, hour, minute, second] = parts(zone, at)
  return Date.UTC(year!, month! - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
}

/** The local date of a moment, as YYYY-MM-DD. */
export function dateOf(zone: string, at: number): string {
  const [year, month, day] = parts(zone, at)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** The moment at which a local date begins. */
export function startOf(zone: string, date: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  const guess = midnight - offset(zone, midnight)
  return midnight - offset(zone, guess)
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

function daysBetween(first: string, last: string): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000)
}

/** The ranges that can be chosen by name. Others are two dates. */
export const ranges: Record<string, string> = {
  today: 'Today',
  yesterday: 'Yesterday',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  month: 'This month',
  lastmonth: 'Last month',
  '365d': 'Last 365 days',
}

/** The first and the last local date of a range, and how many days before begins the one to compare with. */
export interface Days {
  first: string
  last: string
  back: number
}

export function daysOf(range: string, from: string | null, to: string | null, today: string): Days {
  const date = /^\d{4}-\d\d-\d\d$/
  if (from && to && date.test(from) && date.test(to) && from <= to) {
    return { first: from, last: to, back: daysBetween(from, to) + 1 }
  }
  const month = today.slice(0, 8) + '01'
  const lastMonth = addDays(month, -1).slice(0, 8) + '01'
  switch (range) {
    case 'today':
      return { first: today, last: today, back: 1 }
    case 'yesterday':
      return { first: addDays(today, -1), last: addDays(today, -1), back: 1 }
    case 'month':
      return { first: month, last: today, back: daysBetween(lastMonth, month) }
    case 'lastmonth':
      return { first: lastMonth, last: addDays(month, -1), back: daysBetween(addDays(lastMonth, -1).slice(0, 8) + '01', lastMonth) }
  }
  const days = Number(/^(\d{1,3})d$/.exec(range)?.[1] ?? 30)
  return { first: addDays(today, 1 - days), last: today, back: days }
}

/** The interval of some days, up to now at most, and the one before it: as many local days earlier. */
export function intervals(zone: string, days: Days, now: number): { current: Interval; before: Interval } {
  const from = startOf(zone, days.first)
  const end = startOf(zone, addDays(days.last, 1))
  const minute = Math.ceil(now / 60_000) * 60_000
  const to = minute > from && minute < end ? minute : end
  const earlier = (at: number) => {
    const date = dateOf(zone, at)
    return startOf(zone, addDays(date, -days.back)) + (at - startOf(zone, date))
  }
  return { current: interval(from, to), before: interval(earlier(from), earlier(to)) }
}

function interval(from: number, to: number): Interval {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}

export type Step = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH'

/** The step that shows an interval best. */
export function stepFor(of: Interval): Step {
  const days = (Date.parse(of.to) - Date.parse(of.from)) / 86_400_000
  if (days <= 2.1) return 'HOUR'
  if (days <= 93) return 'DAY'
  return days <= 400 ? 'WEEK' : 'MONTH'
}
