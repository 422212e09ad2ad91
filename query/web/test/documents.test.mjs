// What the views ask about a year: the documents whose answers `make bench LINES=r` times.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { views, visit } from './rig.mjs'

const kept = new URL('../../../cmd/internal/bench/views.json', import.meta.url)
const year = 'from=2024-06-03&to=2025-06-02'
const end = new Date('2025-06-02T22:00:00Z') // the bench's conversations end on this day

test('the bench times what the views ask', async (t) => {
  const { page, open } = await visit(t)
  await page.clock.setFixedTime(end)
  let asked = new Set()
  page.on('request', (request) => request.method() === 'POST' && new URL(request.url()).pathname === '/graphql' && asked.add(request.postDataJSON().query))
  const found = []
  const all = [
    ...views.map((view) => [view, `/?view=${view}&${year}`]),
    ['speed in business hours', `/?view=speed&hours=business&${year}`],
    ...['wait', 'contactFirstResponse', 'resolution'].map((measure) => [`speed of ${measure}`, `/?view=speed&measure=${measure}&${year}`]),
    ['volume of days', `/?view=volume&step=DAY&${year}`],
    ['rows of conversations', `/?view=rows&of=conversations&${year}`],
    ['rows of contacts', `/?view=rows&of=contacts&${year}`],
  ]
  for (const [name, address] of all) {
    asked = new Set()
    await open(address)
    found.push({ name, address, documents: [...asked].sort() })
    assert.ok(asked.size > 0, name)
  }
  const text = JSON.stringify(found, null, 2) + '\n'
  if (process.env.REWRITE) writeFileSync(kept, text)
  assert.equal(readFileSync(kept, 'utf8'), text, 'cmd/internal/bench/views.json is not what the views ask: REWRITE=1 make test-browser writes it')
})
