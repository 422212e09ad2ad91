// How soon the first figures are there, in a browser that has nothing in its cache.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { server, visit } from './rig.mjs'

const rounds = 5
/** The most milliseconds of the main thread's processor time until then: the goal of a second has room for the answers. */
const most = 500

test('the first figures need little work and no request twice', async (t) => {
  const taken = []
  const worked = []
  for (let round = 0; round < rounds; round++) {
    const { page, context } = await visit(t)
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector('.tile.state .figure')) return
        observer.disconnect()
        // The frame after the next has painted them.
        requestAnimationFrame(() => requestAnimationFrame((at) => (window.painted = at)))
      }).observe(document, { childList: true, subtree: true })
    })
    const devTools = await context.newCDPSession(page)
    await devTools.send('Performance.enable', { timeDomain: 'threadTicks' })
    await page.goto('about:blank')
    const spent = async () => (await devTools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000
    const before = await spent()
    await page.goto(`${server.url}/`)
    await page.waitForFunction(() => window.painted)
    worked.push((await spent()) - before)
    taken.push(await page.evaluate(() => window.painted))
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').filter((one) => one.responseEnd <= window.painted).map((one) => new URL(one.name).pathname))
    const [script] = asked.filter((path) => path.endsWith('.js'))
    const [style] = asked.filter((path) => path.endsWith('.css'))
    // Browsers fetch the icon when they like.
    assert.deepEqual(asked.filter((path) => path !== '/graphql' && !path.endsWith('.svg')).sort(), [script, style, '/session'].sort(), 'what is fetched before the first figures')
  }
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(rounds / 2)]
  t.diagnostic(`first figures painted after ${taken.map((ms) => ms.toFixed(0)).join(', ')} ms; main thread ${worked.map((ms) => ms.toFixed(0)).join(', ')} ms of processor time`)
  assert.ok(middle(worked) < most, `${middle(worked).toFixed(0)} ms of the main thread`)
})
