// The counts of metrics with their references to rows, and the names of dimensions.

import type { Bucket, Dimension } from './data'
import { hourOfDay, weekday, words } from './format'
import { type Place, kinds } from './place'
import { type List, rowsHref } from './ui/drill'

/** Counts of conversations that need not be closed. */
const ofStates = ['createdConversations', 'closings', 'openAtEnd']
const ofContacts = ['contacts', 'answeredContacts', 'unansweredContacts', 'transferredContacts', 'snoozedContacts']

/** Selects counts with the references to their rows. */
export function counts(...names: string[]): string {
  return names.map((name) => `${name} ${name}Rows: rows(of: ${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()})`).join(' ')
}

/** The list that a count leads to. */
export const listOf = (name: string): List => (ofContacts.includes(name) ? 'contacts' : ofStates.includes(name) ? 'created' : 'conversations')

/** The rows behind a count that counts selected. */
export function behind(bucket: Bucket, name: string): { of: List; rows: string; count: number } {
  return { of: listOf(name), rows: bucket[`${name}Rows`], count: bucket[name] }
}

/** The address of those rows. */
export function hrefOf(place: Place, bucket: Bucket, name: string, title: string): string {
  return rowsHref(place, listOf(name), bucket[`${name}Rows`], title)
}

const coded = ['CHANNEL', 'OPERATOR_KIND', 'AUTOMATION_LEVEL', 'CLOSE_REASON', 'STATUS', 'ENDING', 'INITIATOR']
let languages: Intl.DisplayNames | undefined

/** The name of a dimension's value for people. */
export function nameOf({ name, value, label }: Dimension): string {
  if (value === null) return 'None'
  if (name === 'DAY_OF_WEEK') return weekday(Number(value))
  if (name === 'HOUR_OF_DAY') return hourOfDay(Number(value))
  if (label) return label
  if (coded.includes(name)) return words(value)
  if (name === 'PROJECT') return `Project ${value}`
  if (name !== 'LANGUAGE') return value
  try {
    languages ??= new Intl.DisplayNames(undefined, { type: 'language' })
    return languages.of(value) ?? value
  } catch {
    return value
  }
}

/** The dimensions to break a figure down by. */
export const dimensions: Record<string, string> = {
  ...Object.fromEntries(kinds.filter((kind) => kind.param !== 'reason').map((kind) => [kind.dimension, kind.label])),
  OPERATOR_KIND: 'Kind of operator',
  CLOSE_REASON: 'Close reason',
}
