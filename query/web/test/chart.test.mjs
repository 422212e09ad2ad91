// The chart of the page with 100,000 points: what a frame costs while it is moved.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { executablePath } from './chromium.mjs'

const points = 100_000
const frames = 120
/** The most milliseconds of the main thread's processor time that a frame may take. */
const most = 1000 / 60
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
const outDir = mkdtempSync(join(tmpdir(), 'parley-chart-'))
let browser

before(async () => {
  const root = new URL('.', import.meta.url).pathname
  await build({ root, configFile: false, logLevel: 'warn', oxc: { jsx: { importSource: 'preact' } }, build: { outDir, emptyOutDir: true, rolldownOptions: { input: join(root, 'chart.html') } } })
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
}, { timeout: 120_000 })

after(async () => {
  await browser?.close()
  rmSync(outDir, { recursive: true, force: true })
})

test('moving a chart of 100,000 points leaves time for 60 frames a second', async (t) => {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 500 } })).newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(error.message))
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url())
    route.fulfill({ contentType: types[extname(pathname)], body: readFileSync(join(outDir, pathname)) })
  })
  await page.goto(`http://chart.test/chart.html?points=${points}`)
  const plot = page.locator('.u-over')
  await plot.waitFor()
  const { x, y, width } = await plot.boundingBox()
  const pixels = () => page.evaluate(() => document.querySelector('canvas').toDataURL())
  const whole = await pixels()

  // Almost all points stay in view.
  await page.mouse.move(x + width * 0.02, y + 60)
  await page.mouse.down()
  await page.mouse.move(x + width * 0.96, y + 60, { steps: 4 })
  await page.mouse.up()
  assert.notEqual(await pixels(), whole, 'dragging shows a part')

  const devTools = await page.context().newCDPSession(page)
  await devTools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const spent = async () => {
    const { metrics } = await devTools.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000
  }
  const before = await spent()
  const { stamps, drawn } = await page.evaluate(async (frames) => {
    const over = document.querySelector('.u-over')
    const canvas = document.querySelector('canvas').getContext('2d')
    let drawn = 0
    let fresh = false
    canvas.clearRect = (...area) => {
      fresh = true
      CanvasRenderingContext2D.prototype.clearRect.apply(canvas, area)
    }
    const stamps = []
    for (let frame = 0; frame < frames; frame++) {
      stamps.push(await new Promise(requestAnimationFrame))
      drawn += fresh
      fresh = false
      over.dispatchEvent(new WheelEvent('wheel', { deltaX: frame % 40 < 20 ? 12 : -12, bubbles: true, cancelable: true }))
    }
    return { stamps, drawn }
  }, frames)
  const each = ((await spent()) - before) / frames
  const between = stamps.slice(1).map((at, index) => at - stamps[index]).sort((a, b) => a - b)
  t.diagnostic(`${points} points: ${each.toFixed(2)} ms of the main thread a frame; ${between[Math.floor(between.length / 2)].toFixed(1)} ms between frames in the middle, ${between[Math.floor(between.length * 0.95)].toFixed(1)} ms at p95`)
  assert.ok(drawn > frames * 0.9, `only ${drawn} of ${frames} frames were drawn again`)
  assert.ok(each < most, `a frame takes ${each.toFixed(1)} ms of the main thread`)

  await plot.dblclick()
  await page.waitForFunction((whole) => document.querySelector('canvas').toDataURL() === whole, whole)
  assert.deepEqual(faults, [])
})
