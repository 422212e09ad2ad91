// A choice among a few values, kept in the address.

import { go, usePlace } from '../place'

interface ChoiceProps {
  name: string
  label: string
  options: Record<string, string>
  value: string
}

/** A drop-down list. */
export function Choice({ name, label, options, value }: ChoiceProps) {
  const place = usePlace()
  return (
    <select class="choice" aria-label={label} value={value} onChange={(event) => go(place.href({ [name]: event.currentTarget.value }))}>
      {Object.entries(options).map(([key, text]) => <option key={key} value={key}>{text}</option>)}
    </select>
  )
}

/** Buttons of which one is pressed. */
export function Segments({ name, label, options, value }: ChoiceProps) {
  const place = usePlace()
  return (
    <div class="segments" role="group" aria-label={label}>
      {Object.entries(options).map(([key, text]) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => go(place.href({ [name]: key }))}>{text}</button>
      ))}
    </div>
  )
}

/** The chosen option, or the first. */
export function chosen(options: Record<string, string>, value: string | null): string {
  return value !== null && value in options ? value : Object.keys(options)[0]!
}
