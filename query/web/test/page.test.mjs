// The page in a headless Chromium against a real parley.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { barriers, days, details, interval, number, server, settled, tile, views, visit, zone } from './rig.mjs'
import { ask, empty, exported, markup, person, post, queue, select, small, until } from './server.mjs'

test('a person signs in with a password, and scripts cannot read the cookie', async (t) => {
  const { page, context, open } = await visit(t, { signedIn: false })
  await open('/?view=volume')
  await page.getByLabel('E-mail address').fill(person.username)
  await page.getByLabel('Password').fill(person.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Volume', level: 1 }).waitFor()
  assert.equal(await page.evaluate(() => document.cookie), '')
  const [cookie] = await context.cookies()
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['parley_session', true, 'Strict'])
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  const kept = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { 'Content-Type': 'application/json', Cookie: `${cookie.name}=${cookie.value}` }, body: '{"query":"{__typename}"}' })
  assert.equal(kept.status, 401, 'the cookie is good after signing out')
})

test('a key signs in', async (t) => {
  const { page, open } = await visit(t, { signedIn: false })
  await open('/')
  await page.getByRole('button', { name: 'Key', exact: true }).click()
  await page.getByLabel('Key id').fill(server.key.id)
  await page.getByLabel('Secret').fill(server.key.secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
  await settled(page)
})

test('figures are those of GraphQL and of a count of the exported rows', async (t) => {
  const { page, open } = await visit(t)
  const range = `from=${interval.from}&to=${interval.to}`
  const conversations = (await exported(server, `/v1/export/conversations?format=ndjson&${range}`)).filter((row) => [9999, 1001, 1002].includes(row.project_id))
  const contacts = (await exported(server, `/v1/export/contacts?format=ndjson&${range}`)).filter((row) => [9999, 1001, 1002].includes(row.project_id))
  assert.ok(conversations.length > 300 && contacts.length > 300)
  const projects = 'project=9999&project=1001&project=1002'
  const { metrics: { total } } = await ask(server, `{metrics(filters: {projectIds: [9999, 1001, 1002]}, interval: {from: "${interval.from}", to: "${interval.to}"}) {total {
    closedConversations contacts csat nps answerRate transactions transferredContacts conversationFirstResponse {medianMs} wait {within(ms: [30000]) {count}}}}}`)

  await open(`/?view=volume&${days}&${projects}`)
  assert.equal(number(await tile(page, 'Closed conversations')), conversations.length)
  assert.equal(number(await tile(page, 'Contacts')), contacts.length)
  assert.equal(number(await tile(page, 'Abandoned')), conversations.filter((row) => row.abandoned).length)
  assert.equal(number(await tile(page, 'Reopened')), conversations.filter((row) => row.reopen_count > 0).length)
  assert.equal(total.closedConversations, conversations.length)

  const cells = await page.locator('table.grid td').allInnerTexts()
  assert.equal(cells.reduce((sum, text) => sum + (number(text) || 0), 0), conversations.length, 'the cells of the week')

  await open(`/?view=speed&measure=wait&within=30&${days}&${projects}`)
  const waits = contacts.map((row) => row.wait_time_ms).filter((wait) => wait !== null)
  const within = await page.locator('.card', { has: page.getByRole('heading', { name: 'Wait for an operator within 30 s' }) }).locator('.figure small').innerText()
  assert.equal(within, `${waits.filter((wait) => wait <= 30_000).length} of ${waits.length.toLocaleString('en-GB')}`)
  const bars = await page.locator('.card', { has: page.getByRole('heading', { name: /^Distribution/ }) }).locator('.bars .value').evaluateAll((all) => all.map((value) => value.firstChild.textContent))
  assert.equal(bars.reduce((sum, text) => sum + number(text), 0), waits.length, 'the bars of the distribution')

  await open(`/?view=quality&${days}&${projects}`)
  const answers = conversations.map((row) => row.customer_satisfaction).filter((answer) => answer !== null)
  assert.equal(number(await tile(page, 'Answers to CSAT')), answers.length)
  assert.equal(await tile(page, 'CSAT'), new Intl.NumberFormat('en-GB', { style: 'percent', maximumFractionDigits: 1 }).format(answers.filter((answer) => answer >= 4).length / answers.length))
  assert.equal(await tile(page, 'NPS'), new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 }).format(total.nps))

  await open(`/?view=flow&${days}&${projects}`)
  assert.equal(number(await tile(page, 'Transferred contacts')), contacts.filter((row) => row.ending === 'TRANSFERRED').length)
  assert.equal(number(await tile(page, 'Unanswered contacts')), contacts.filter((row) => row.status === 'UNANSWERED').length)
  const bots = conversations.filter((row) => ['FULLY_AUTOMATED', 'PARTIALLY_AUTOMATED'].includes(row.automation_level))
  assert.equal(number(await tile(page, 'Bot containment')), Math.round((bots.filter((row) => row.automation_level === 'FULLY_AUTOMATED').length / bots.length) * 1000) / 10)

  await open(`/?view=money&currency=EUR&${days}&${projects}`)
  const revenue = conversations.reduce((sum, row) => sum + Number(row.revenue.EUR ?? 0), 0)
  assert.ok(Math.abs(number(await tile(page, 'Revenue in EUR')) - revenue) <= 0.5, 'revenue')
  assert.equal(number(await tile(page, 'Transactions')), total.transactions)

  await open(`/?view=people&${days}&${projects}`)
  const column = await page.locator('.people tbody td:nth-of-type(1)').allInnerTexts()
  assert.equal(column.reduce((sum, text) => sum + number(text), 0), contacts.length, 'the contacts of all operators')
})

test('each number of now leads to as many conversations as it says', async (t) => {
  const { page, open } = await visit(t)
  const states = { Open: 5, 'With an operator': 1, Snoozed: 1, Waiting: 3 }
  for (const [name, many] of Object.entries(states)) {
    await open(`/?view=now&project=${queue}`)
    assert.equal(await tile(page, name), String(many))
    await page.locator('.tile', { hasText: name }).locator('a').click()
    await settled(page)
    assert.equal(await page.locator('table.rows tbody tr').count(), many, name)
  }
  await open(`/?view=now&project=${queue}`)
  await page.locator('.tile', { hasText: 'Longest wait' }).locator('a').click()
  await page.waitForURL(/id=7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7c01/)
  await open(`/?view=now&project=${empty}`)
  assert.equal(await tile(page, 'Longest wait'), '–')
})

for (const view of views.slice(1)) {
  test(`each number of ${view} leads to as many rows as it says`, async (t) => {
    const { page, open } = await visit(t)
    await open(`/?view=${view}&${days}`)
    for (const menu of await page.getByLabel(/^More about/).all()) {
      await menu.click()
      const table = page.getByRole('button', { name: 'Show as a table' })
      if (await table.isVisible()) await table.click()
      else await page.keyboard.press('Escape')
    }
    const links = await page.locator('a[href*="view=rows"]').evaluateAll((all) => all.map((link) => ({ href: link.getAttribute('href'), text: (link.querySelector('.value')?.firstChild ?? link).textContent })))
    assert.ok(links.length >= 8, `${links.length} links`)
    // Figures that are no counts (a share, a median, an amount) say nothing of the rows behind them, and those of messages and
    // transactions are more than the conversations that have them.
    const counts = links.filter((link) => /^[\d,]+$/.test(link.text) && !/sales|Transactions/.test(decodeURIComponent(link.href)))
    const seen = new Set()
    // The first and the last of every kind.
    const kinds = {}
    for (const link of counts) {
      const parameters = new URLSearchParams(link.href.slice(link.href.indexOf('?')))
      ;(kinds[`${parameters.get('of')} ${parameters.get('title').split(/[,:]/)[0]}`] ??= []).push(link)
    }
    for (const { href, text } of Object.values(kinds).flatMap((some) => [...new Set([some[0], some.at(-1)])])) {
      await open(href)
      const shown = number((await page.locator('.card > .note').innerText()).split(' ')[0])
      if (/title=Closed,/.test(decodeURIComponent(href))) assert.ok(shown > 0 && shown <= number(text), `${href}: a conversation may be closed twice`)
      else assert.equal(shown, number(text), href)
      assert.equal(await page.locator('table.rows tbody tr').count(), Math.min(shown, 50), href)
      const csv = await page.locator('a[download]').getAttribute('href')
      assert.equal((await exported(server, csv.replace('format=csv', 'format=ndjson'))).length, shown, csv)
    }
  })
}

test('a conversation shows the events behind each of its numbers', async (t) => {
  const { page, open } = await visit(t)
  await open(`/?view=conversation&of=${small}&id=7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a42`)
  await page.getByRole('button', { name: /^First response time 4 min/ }).first().click()
  assert.equal(await page.locator('tr.marked').count(), 2)
  assert.equal(await page.locator('.lifeline circle.marked').count(), 2)
  assert.equal(await page.locator('.lifeline .contact').count(), 1)
})

test('the address holds everything, and back and forward work', async (t) => {
  const { page, open } = await visit(t)
  await open(`/?view=volume&${days}`)
  await page.getByText('Filter', { exact: true }).click()
  await page.getByRole('button', { name: 'Channel', exact: true }).click()
  await page.locator('.options label', { hasText: 'WhatsApp' }).click()
  await page.waitForURL(/channel=WHATSAPP/)
  await page.keyboard.press('Escape')
  await page.getByLabel('Time zone').selectOption('America/New_York')
  await page.getByLabel('Step', { exact: true }).selectOption('WEEK')
  await page.getByLabel('Compare').uncheck()
  await settled(page)
  const shown = await tile(page, 'Closed conversations')
  const address = page.url()
  for (const part of ['channel=WHATSAPP', 'zone=America%2FNew_York', 'step=WEEK', 'compare=no', days]) assert.ok(address.includes(part), `${part} in ${address}`)

  await open('/?view=now')
  await open(address.slice(server.url.length))
  assert.equal(await tile(page, 'Closed conversations'), shown, 'the same for a colleague')
  assert.equal(await page.getByLabel('Time zone').inputValue(), 'America/New_York')
  assert.equal(await page.getByLabel('Compare').isChecked(), false)
  assert.match(await page.locator('.chip').innerText(), /Channel\s+WhatsApp/)

  await page.getByRole('link', { name: 'Speed' }).click()
  await page.getByRole('heading', { name: 'Speed', level: 1 }).waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'Volume', level: 1 }).waitFor()
  await settled(page)
  assert.equal(page.url(), address)
  await page.goForward()
  await page.getByRole('heading', { name: 'Speed', level: 1 }).waitFor()
  await page.getByRole('button', { name: /Remove the filter Channel/ }).click()
  await page.waitForURL((url) => !url.searchParams.has('channel'))
})

test('the page has less than 300 KB, compressed', async () => {
  const html = await (await fetch(`${server.url}/`)).text()
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path)
  assert.ok(files.some((path) => path.endsWith('.js')) && files.some((path) => path.endsWith('.css')), html)
  let bytes = gzipSync(html).length
  for (const path of files) bytes += gzipSync(Buffer.from(await (await fetch(server.url + path)).arrayBuffer())).length
  assert.ok(bytes < 300_000, `${bytes} bytes`)
})

test('a query is copied as it was asked', async (t) => {
  const { page, context, open } = await visit(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await open(`/?view=volume&${days}&channel=CHAT`)
  await page.getByLabel('More about Over time').click()
  await page.getByRole('button', { name: 'Copy as GraphQL' }).click()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  const { now } = await ask(server, copied)
  assert.equal(now.total.closedConversations, number(await tile(page, 'Closed conversations')))
})

test('a statement that is copied gives the figures of the chart', async (t) => {
  const { page, open, context } = await visit(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const copied = async (title) => {
    const card = page.locator(`section[aria-label="${title}"]`)
    await card.locator('.menu summary').click()
    await card.getByRole('button', { name: 'Copy as SQL' }).click()
    return select(server, await page.evaluate(() => navigator.clipboard.readText()))
  }
  const figures = async (selection, more, filters = '') => (await ask(server, `{metrics(filters: {projectIds: [9999, 1001, 1002, ${small}, ${empty}, ${queue}] ${filters}}, interval: {from: "${interval.from}", to: "${interval.to}"}, timeZone: "${zone}", ${more}) {buckets {from dimensions {value} ${selection}}}}`)).metrics.buckets
  const close = (a, b) => Math.abs(a - b) < 1e-9
  // A step without rows is in the buckets only.
  const compare = (selected, buckets, names, where) => {
    const some = buckets.filter(where)
    const rows = selected.filter((row) => row[names[0][0]] > 0)
    assert.ok(some.length > 3, `${some.length} buckets`)
    assert.equal(rows.length, some.length)
    some.forEach((bucket, index) => {
      for (const [column, read] of names) assert.ok(close(Number(rows[index][column]), read(bucket)), `${column}: ${rows[index][column]}, ${read(bucket)}`)
    })
  }
  for (const [figure, column] of [['closedConversations', 'closed_conversations'], ['contacts', 'contacts'], ['abandonedConversations', 'abandoned_conversations'], ['reopenedConversations', 'reopened_conversations']]) {
    await open(`/?view=volume&${days}&figure=${figure}`)
    const rows = await copied('Over time')
    compare(rows, await figures(figure, 'step: DAY'), [[column, (bucket) => bucket[figure]]], (bucket) => bucket[figure] > 0)
  }
  await open(`/?view=volume&${days}&by=LANGUAGE`)
  const languages = await copied('Conversations by')
  const byLanguage = new Map((await figures('closedConversations', 'groupBy: [LANGUAGE]')).map((bucket) => [bucket.dimensions[0].value, bucket.closedConversations]))
  assert.deepEqual(new Map(languages.map((row) => [row.language, row.closed_conversations])), byLanguage)
  const hours = await copied('Hours of the week')
  const byHour = (await figures('closedConversations', 'groupBy: [DAY_OF_WEEK, HOUR_OF_DAY]')).filter((bucket) => bucket.closedConversations)
  assert.deepEqual(new Map(hours.map((row) => [`${row.day_of_week} ${row.hour_of_day}`, row.closed_conversations])), new Map(byHour.map((bucket) => [bucket.dimensions.map((one) => Number(one.value)).join(' '), bucket.closedConversations])))
  await open(`/?view=quality&${days}`)
  compare(await copied('Customer satisfaction (CSAT)'), await figures('csat surveyAnswers', 'step: DAY'), [['survey_answers', (bucket) => bucket.surveyAnswers], ['csat', (bucket) => bucket.csat]], (bucket) => bucket.surveyAnswers > 0)
  compare(await copied('Net promoter score (NPS)'), await figures('nps npsAnswers', 'step: DAY'), [['nps_answers', (bucket) => bucket.npsAnswers], ['nps', (bucket) => bucket.nps]], (bucket) => bucket.npsAnswers > 0)
  for (const [measure, name] of Object.entries({ conversationFirstResponse: 'First response', wait: 'Wait for an operator', contactFirstResponse: 'Response in a contact', resolution: 'Resolution' })) {
    await open(`/?view=speed&${days}&measure=${measure}`)
    const rows = await copied(`${name} over time`)
    const column = measure.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    compare(rows, await figures(`${measure} {count medianMs p90Ms p95Ms}`, 'step: DAY'), [
      [`${column}_count`, (bucket) => bucket[measure].count], [`${column}_median_ms`, (bucket) => bucket[measure].medianMs],
      [`${column}_p90_ms`, (bucket) => bucket[measure].p90Ms], [`${column}_p95_ms`, (bucket) => bucket[measure].p95Ms],
    ], (bucket) => bucket[measure].count > 0)
  }
  await open(`/?view=volume&${days}&figure=contacts&operator=11`)
  compare(await copied('Over time'), await figures('contacts', 'step: DAY', 'userIds: [11]'), [['contacts', (bucket) => bucket.contacts]], (bucket) => bucket.contacts > 0)
})

test('every chart, figure and list has statements, and each of them runs', async (t) => {
  const { page, open, context } = await visit(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const ran = new Set()
  for (const address of [...views.map((view) => `/?view=${view}&${days}`), ...details]) {
    await open(address)
    for (const menu of await page.locator('details.more').all()) {
      const name = (await menu.locator('summary').getAttribute('aria-label')).replace('More about ', '')
      await menu.locator('summary').click()
      const buttons = await menu.getByRole('button', { name: /^Copy as SQL/ }).all()
      assert.ok(buttons.length > 0, `${name} of ${address} has no statement`)
      for (const button of buttons) {
        await button.click()
        const statement = await page.evaluate(() => navigator.clipboard.readText())
        if (!ran.has(statement)) assert.ok((await select(server, statement)).length > 0, `${name} of ${address}`)
        ran.add(statement)
      }
      await page.keyboard.press('Escape')
    }
  }
})

test('the statements of open conversations and of one conversation give the rows that are shown', async (t) => {
  const { page, open, context } = await visit(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const copied = async (name, button = 'Copy as SQL') => {
    await page.getByLabel(`More about ${name}`, { exact: true }).click()
    await page.locator('details.more[open]').getByRole('button', { name: button, exact: true }).click()
    await page.keyboard.press('Escape')
    return select(server, await page.evaluate(() => navigator.clipboard.readText()))
  }
  await open(`/?view=now&project=${queue}`)
  const numbersOf = { Open: '12345', Snoozed: '4', Waiting: '123', 'Longest wait': '123', 'Waiting longest': '123' }
  for (const [name, numbers] of Object.entries(numbersOf)) {
    const rows = (await copied(name)).filter((row) => row.project_id === queue)
    assert.equal(rows.map((row) => row.conversation_id.at(-1)).join(''), numbers, name)
  }
  await open(`/?view=conversation&of=${small}&id=7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a42`)
  assert.deepEqual((await copied('Contacts')).map((row) => [row.ordinal, row.operator_name]), [[1, markup]])
  assert.deepEqual((await copied('Messages')).map((row) => row.message_id), ['m1', 'm2'])
  assert.deepEqual((await copied('Numbers')).map((row) => [row.event_count, row.first_response_time_ms]), [[8, 240_000]])
  assert.equal((await copied('Events')).length, await page.locator('section[aria-label="Events"] tbody tr').count())
})

test('the statements of transfers, of contacts at a time and of durations give the figures that are shown', async (t) => {
  const { page, open, context } = await visit(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const copied = async (title, name = 'Copy as SQL') => {
    const card = page.locator(`section[aria-label="${title}"]`)
    await card.locator('.menu summary').click()
    await card.getByRole('button', { name, exact: true }).click()
    await page.keyboard.press('Escape')
    return select(server, await page.evaluate(() => navigator.clipboard.readText()))
  }
  const sum = (values) => values.reduce((sum, value) => sum + value, 0)
  await open(`/?view=flow&${days}`)
  const transfers = await copied('Transfers from and to')
  const shown = await page.locator('section[aria-label="Transfers from and to"] table.grid td').allInnerTexts()
  assert.equal(sum(transfers.map((row) => row.transferred_contacts)), number(await tile(page, 'Transferred contacts')))
  assert.deepEqual(transfers.map((row) => row.transferred_contacts).sort((a, b) => a - b), shown.filter(Boolean).map(number).sort((a, b) => a - b))
  await open(`/?view=people&${days}`)
  const peaks = await copied('Operators', 'Copy as SQL: Contacts at a time')
  const column = (await page.locator('.people thead th').allInnerTexts()).indexOf('Peak')
  const table = await page.locator(`.people tbody td:nth-of-type(${column})`).allInnerTexts()
  assert.deepEqual(peaks.filter((row) => row.contacts > 0).map((row) => row.peak).sort((a, b) => a - b), table.map(number).sort((a, b) => a - b))
  await open(`/?view=speed&measure=wait&${days}`)
  const bins = await copied('Distribution of wait for an operator')
  const bars = await page.locator('section[aria-label^="Distribution"] .bars .value').evaluateAll((all) => all.map((value) => value.firstChild.textContent))
  assert.deepEqual(bins.map((row) => row.count), bars.map(number).filter(Boolean))
  const shares = await copied('Wait for an operator within 30 s')
  assert.equal(sum(shares.map((row) => row.count)), number((await page.locator('section[aria-label="Wait for an operator within 30 s"] .figure small').innerText()).split(' of ')[0]))
})

test('names with markup are shown as text', async (t) => {
  const { page, open } = await visit(t)
  const closed = `/?view=conversation&of=${small}&id=7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a42`
  for (const address of [`/?view=people&project=${small}&range=7d`, `/?view=quality&project=${small}&range=7d`, `/?view=volume&project=${small}&range=7d&by=TAG`, `/?view=now&project=${small}`, closed]) {
    await open(address)
    assert.ok((await page.locator('#main').innerText()).includes(markup), address)
    assert.equal(await page.locator('#main img, #main b b, #main q b').count(), 0, address)
    assert.match(await page.title(), /Parley$/)
  }
})

test('light and dark follow the system until one is chosen', async (t) => {
  const { page, open } = await visit(t, { colorScheme: 'dark' })
  await open('/?view=volume')
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  assert.equal(await ground(), 'rgb(18, 20, 26)')
  await page.getByRole('button', { name: 'Change to light' }).click()
  assert.equal(await ground(), 'rgb(245, 246, 249)')
  await open('/?view=speed')
  assert.equal(await ground(), 'rgb(245, 246, 249)')
})

test('an answer that does not come, and one that is empty, are said in words', async (t) => {
  const { page, open } = await visit(t)
  await open('/?view=volume&from=2001-01-01&to=2001-01-07')
  await page.getByText('Nothing in this time with these filters.').first().waitFor()
  await page.route('**/graphql', (route) => route.fulfill({ json: { errors: [{ message: 'the tables are being rebuilt', extensions: { code: 'UNAVAILABLE' } }] } }))
  await page.getByRole('link', { name: 'Money' }).click()
  await page.getByRole('alert').filter({ hasText: 'the tables are being rebuilt' }).first().waitFor()
  await page.unroute('**/graphql')
  await page.getByRole('button', { name: 'Try again' }).first().click()
  await page.waitForFunction(() => document.querySelector('.tile'))
})

test('what was shown stays until the answer to another question comes, without a spinner', async (t) => {
  const { page, open } = await visit(t)
  const shown = () => page.evaluate(() => ['.content, .empty', '.tile', '.loading'].map((of) => document.querySelectorAll(of).length))
  const changes = {
    volume: [() => page.getByLabel('Step', { exact: true }).selectOption('WEEK'), () => page.getByLabel('Break down Conversations by by').selectOption('TAG')],
    speed: [() => page.getByLabel('Time', { exact: true }).selectOption('7d'), ...['Resolution', 'Business hours'].map((name) => () => page.getByRole('button', { name, exact: true }).click())],
    quality: [() => page.getByLabel('Time', { exact: true }).selectOption('7d')],
    flow: [() => page.getByLabel('Transfers between').selectOption('OPERATOR_KIND')],
    money: [() => page.getByLabel('Time', { exact: true }).selectOption('7d')],
    people: [() => page.getByLabel('Time', { exact: true }).selectOption('7d')],
  }
  for (const [view, all] of Object.entries(changes)) {
    await open(`/?view=${view}&${days}`)
    for (const change of all) {
      const before = await shown()
      let answer
      const held = new Promise((resolve) => (answer = resolve))
      await page.route('**/graphql', async (route) => { await held; await route.continue() })
      await change()
      await page.locator('.card[aria-busy="true"]').first().waitFor()
      assert.deepEqual(await shown(), before, view)
      answer()
      await settled(page)
      await page.unroute('**/graphql')
    }
  }
})

test('what goes on now follows the feed of changes', async (t) => {
  const { page, open } = await visit(t)
  const feed = page.waitForRequest((request) => request.resourceType() === 'eventsource')
  await open(`/?view=now&project=${empty}`)
  assert.match(decodeURIComponent((await feed).url()), /subscription \{conversations\(filters: \{projectIds: \[4243\]\}\)/)
  assert.equal(await tile(page, 'Open'), '0')
  await page.evaluate(() => (window.stays = true))
  for (const n of [1, 2]) {
    const time = new Date().toISOString()
    await post(server, [{ specversion: '1.0', id: `f${n}`, source: 'browser', type: 'parley.conversation.opened.v1', time, subject: `7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7b0${n}`, projectid: empty, data: { channel: 'CHAT' } }])
    await until(async () => (await tile(page, 'Open')) === String(n))
  }
  assert.equal(await page.evaluate(() => window.stays), true, 'without loading the page again')
})

test('the status is for administrators, and says what is well', async (t) => {
  const { page, context, open } = await visit(t, { signedIn: false })
  const signedIn = await context.request.post(`${server.url}/session`, { form: { client_id: server.key.id, client_secret: server.key.secret } })
  assert.equal(signedIn.status(), 200)
  await open('/?view=volume')
  await page.getByRole('link', { name: 'Status of Parley' }).click()
  await page.waitForURL(`${server.url}/status`)
  await settled(page)
  assert.equal(await page.title(), 'Status · Parley')
  const checks = await page.locator('.checks li h2').allInnerTexts()
  assert.ok(checks.some((text) => text.startsWith('Events are accepted')) && checks.length > 5, checks.join())
  assert.deepEqual(await page.locator('.checks li.wrong').allInnerTexts(), [])
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await barriers(page), [], colorScheme)
  }
  await page.setViewportSize({ width: 360, height: 800 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), 'wider than the screen')
})
