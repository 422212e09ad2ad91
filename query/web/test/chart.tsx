// The chart of the page with as many points as the address says, for chart.test.mjs.

import { render } from 'preact'
import { Timeline } from '../src/charts/timeline'
import { count } from '../src/format'
import { PlaceProvider, readPlace } from '../src/place'
import '../src/style.css'

const points = Number(new URLSearchParams(location.search).get('points'))
const begin = Date.parse('2026-01-01T00:00:00Z')
const from = Array.from({ length: points }, (_, minute) => new Date(begin + minute * 60_000).toISOString())
const wave = (phase: number) => from.map((_, n) => Math.round(500 + 300 * Math.sin(n / 900 + phase) + ((n * 7919) % 199)))
const series = [
  { name: 'Bars', color: 1, bars: true, values: wave(0) },
  { name: 'Line', color: 2, values: wave(2) },
]

render(
  <PlaceProvider value={readPlace('?zone=Europe/Paris&step=HOUR', begin)}>
    <Timeline label="Points" from={from} series={series} format={count} />
  </PlaceProvider>,
  document.getElementById('app')!,
)
