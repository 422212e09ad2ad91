// Numbers, times and names as the reader's locale writes them.

const whole = new Intl.NumberFormat()
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
const fraction = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })

/** What is shown where there is no value. */
export const none = '–'

export type Value = number | null | undefined

export const count = (n: Value) => (n == null ? none : whole.format(n))
export const compact = (n: Value) => (n == null ? none : Math.abs(n) < 10_000 ? fraction.format(n) : short.format(n))
export const share = (n: Value) => (n == null ? none : percent.format(n))
export const score = (n: Value) => (n == null ? none : fraction.format(n))
export const csat = (n: Value) => (n == null ? none : percent.format(n / 100))

export function money(amount: Value, currency: string): string {
  if (amount == null) return none
  const fractionDigits = Math.abs(amount) >= 1000 ? 0 : 2
  return new Intl.NumberFormat(undefined, { style: 'currency', currency, minimumFractionDigits: fractionDigits, maximumFractionDigits: fractionDigits }).format(amount)
}

/** An amount of an axis. */
export function shortMoney(amount: number, currency: string): string {
  return new Intl.NumberFormat(undefined, { style: 'currency', currency, notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 }).format(amount)
}

/** A duration by its two largest units: 850 ms, 12.4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms: Value): string {
  if (ms == null) return none
  if (ms < 1000) return `${whole.format(Math.round(ms))} ms`
  if (ms < 60_000) return `${fraction.format(ms / 1000)} s`
  const two = (large: number, small: number, names: [string, string]) => {
    const first = Math.floor(ms / large)
    const second = Math.floor((ms % large) / small)
    return `${whole.format(first)} ${names[0]}${second ? ` ${second} ${names[1]}` : ''}`
  }
  if (ms < 3_600_000) return two(60_000, 1000, ['min', 's'])
  if (ms < 86_400_000) return two(3_600_000, 60_000, ['h', 'min'])
  return two(86_400_000, 3_600_000, ['d', 'h'])
}

/** A duration of an axis: one unit. */
export function shortDuration(ms: Value): string {
  if (ms == null) return ''
  for (const [size, name] of [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']] as const) {
    if (Math.abs(ms) >= size) return `${fraction.format(ms / size)} ${name}`
  }
  return `${whole.format(ms)} ms`
}

const dates = new Map<string, Intl.DateTimeFormat>()

function dated(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options)
  let format = dates.get(key)
  if (!format) dates.set(key, (format = new Intl.DateTimeFormat(undefined, { timeZone: zone, ...options })))
  return format
}

export function moment(at: string | number | null | undefined, zone: string): string {
  return at == null ? none : dated(zone, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at))
}

export function precise(at: string | number, zone: string): string {
  return dated(zone, { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }).format(new Date(at))
}

export function day(at: string | number, zone: string): string {
  return dated(zone, { month: 'short', day: 'numeric' }).format(new Date(at))
}

export function dayWithYear(at: string | number, zone: string): string {
  return dated(zone, { dateStyle: 'medium' }).format(new Date(at))
}

/** The name of a step of a chart, by its beginning. */
export function stepName(at: string | number, step: string, zone: string): string {
  switch (step) {
    case 'HOUR':
      return dated(zone, { weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }).format(new Date(at))
    case 'WEEK':
      return `Week of ${day(at, zone)}`
    case 'MONTH':
      return dated(zone, { month: 'long', year: 'numeric' }).format(new Date(at))
  }
  return dated(zone, { weekday: 'short', month: 'short', day: 'numeric' }).format(new Date(at))
}

const weekdays = new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' })

/** The name of a weekday, from 1 for Monday. */
export const weekday = (n: number) => weekdays.format(Date.UTC(2024, 0, n))

const hours = new Intl.DateTimeFormat(undefined, { hour: 'numeric', timeZone: 'UTC' })

export const hourOfDay = (n: number) => hours.format(Date.UTC(2024, 0, 1, n))

/** Names of enumerations that their capital letters do not give. */
const names: Record<string, string> = {
  APPLE_BUSINESS_CHAT: 'Apple Business Chat', FACEBOOK_BUSINESS_ON_MESSENGER: 'Messenger', GOOGLE_BUSINESS_MESSAGES: 'Google Business Messages',
  SMS: 'SMS', WHATSAPP: 'WhatsApp', EMAIL: 'E-mail', FULLY_AUTOMATED: 'Bots only', PARTIALLY_AUTOMATED: 'Bots and people', NOT_AUTOMATED: 'People only',
  PROFESSIONAL: 'Agent', VISITOR_LEFT_QUEUE: 'Visitor left the queue', REPUSHED: 'Pushed again',
}

/** An enumeration's value as words: MOBILE_APP is Mobile app. */
export function words(value: string): string {
  return names[value] ?? value.charAt(0) + value.slice(1).toLowerCase().replaceAll('_', ' ')
}

const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })

export function since(at: string | number, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000)
  for (const [size, unit] of [[86_400, 'day'], [3600, 'hour'], [60, 'minute']] as const) {
    if (Math.abs(seconds) >= size) return ago.format(Math.trunc(seconds / size), unit)
  }
  return ago.format(seconds, 'second')
}
