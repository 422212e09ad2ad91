// A browser and a parley for the tests of a file.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before } from 'node:test'
import { chromium } from 'playwright-core'
import { executablePath } from './chromium.mjs'
import { ask, person, small, start } from './server.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const views = ['now', 'volume', 'speed', 'quality', 'flow', 'money', 'people']
export const zone = 'Europe/Paris'

/** The parley of the tests. */
export let server
/** Addresses of a list and of a conversation. */
export let details
let browser, session

before(async () => {
  server = await start()
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  // Signed in once, for all: attempts per person are limited.
  const context = await browser.newContext()
  const response = await context.request.post(`${server.url}/session`, { form: person })
  assert.equal(response.status(), 200)
  session = await context.storageState()
  await context.close()
  const { rows } = (await ask(server, `{metrics(interval: {from: "${interval.from}", to: "${interval.to}"}) {total {rows(of: CONTACTS)}}}`)).metrics.total
  details = [`/?view=rows&of=contacts&rows=${encodeURIComponent(rows)}&since=${interval.from}&until=${interval.to}&title=Contacts`, `/?view=conversation&of=${small}&id=7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a42`]
}, { timeout: 180_000 })

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** A browser of one person, who is signed in unless told otherwise. Whatever breaks the policy or the page fails the test. */
export async function visit(t, { signedIn = true, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: zone, viewport: { width: 1280, height: 900 }, storageState: signedIn ? session : undefined, ...options })
  const page = await context.newPage()
  const faults = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => request.url().startsWith(server.url) || request.url().startsWith('blob:') || faults.push(`asks ${request.url()}`))
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)))
  t.after(async () => {
    await context.close()
    assert.deepEqual(faults, [])
  })
  const open = async (address) => {
    await page.goto(server.url + address)
    await settled(page)
  }
  return { page, context, open }
}

/** Waits until each card shows its answer. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector('.card, .signin form') && !document.querySelector('[aria-busy="true"], .loading'), null, { timeout: 30_000 })
  assert.deepEqual(await page.locator('.failed').allTextContents(), [])
}

export const number = (text) => Number(text.replace(/[^\d.-]/g, ''))

/** The figure of a tile. */
export const tile = async (page, name) => page.locator('.tile', { has: page.getByRole('heading', { name, exact: true }) }).locator('.figure').first().innerText()

/** The fortnight that the page shows, as dates of the address and as an interval. */
export const days = `from=${date(-15)}&to=${date(-2)}`
export const interval = { from: new Date(startOf(date(-15))).toISOString(), to: new Date(startOf(date(-1))).toISOString() }

function date(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
}

/** Local midnight, by trying the two offsets of the zone. */
function startOf(day) {
  const hourAt = (at) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', day: '2-digit', hourCycle: 'h23' }).format(at)
  for (const offset of ['+01:00', '+02:00']) {
    const at = Date.parse(`${day}T00:00:00${offset}`)
    if (hourAt(at) === `${day.slice(8)}, 00:00`) return at
  }
  throw new Error(`no midnight on ${day}`)
}

/** What axe finds. It is run past the page's policy, which allows no script but the page's own. */
export async function barriers(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' | ')}`)
}
