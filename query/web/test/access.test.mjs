// The page for those who use a keyboard or a screen reader: in light and dark, and on a narrow screen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barriers, days, details, number, settled, views, visit } from './rig.mjs'
import { queue } from './server.mjs'

test('everything can be done with the keyboard', async (t) => {
  const { page, open } = await visit(t)
  await open(`/?view=now&${days}`)
  const focused = () => page.evaluate(() => document.activeElement.innerText || document.activeElement.getAttribute('aria-label'))
  const reach = async (name) => {
    for (let tabs = 0; tabs < 80; tabs++) {
      await page.keyboard.press('Tab')
      if (name.test(await focused())) return
    }
    assert.fail(`Tab does not reach ${name}`)
  }
  await reach(/^Skip to the content$/)
  await reach(/^Volume$/)
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none', 'focus is visible')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Volume', level: 1 }).waitFor()
  await settled(page)
  await reach(/^More about Over time$/)
  await page.keyboard.press('Enter')
  await reach(/^Show as a table$/)
  await page.keyboard.press('Enter')
  const first = page.locator('.card', { has: page.getByRole('heading', { name: 'Over time' }) }).locator('td a').first()
  const said = await first.innerText()
  await first.focus()
  await page.keyboard.press('Enter')
  await page.locator('table.rows').waitFor()
  await settled(page)
  assert.equal(number((await page.locator('.card > .note').innerText()).split(' ')[0]), number(said))
  await reach(/^Back to/)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Volume', level: 1 }).waitFor()
  await reach(/^Filter$/)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Channel', exact: true }).waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await page.getByRole('button', { name: 'Channel', exact: true }).isVisible(), false)
  assert.match(await focused(), /^Filter$/, 'focus returns to what opened the menu')
})

test('Tab reaches everything that can be used in each view, and shows where it is', async (t) => {
  const { page, open } = await visit(t)
  for (const address of [...views.map((view) => `/?view=${view}&${days}`), ...details, '/?view=rows&of=open&state=WAITING', `/?view=now&project=${queue}`]) {
    await open(address)
    const names = await page.evaluate(() => {
      const all = [...document.querySelectorAll('a[href], button:enabled, select, input, summary, [tabindex="0"]')].filter((one) => one.checkVisibility({ visibilityProperty: true }))
      all.forEach((one, index) => (one.dataset.walked = index))
      return all.map((one) => one.getAttribute('aria-label') ?? one.innerText)
    })
    assert.ok(names.length > 12, `${address}: ${names.length}`)
    const missing = new Set(names.keys())
    for (let tabs = 0; missing.size && tabs < names.length + 20; tabs++) {
      await page.keyboard.press('Tab')
      const [index, shown] = await page.evaluate(() => [document.activeElement.dataset.walked, getComputedStyle(document.activeElement).outlineStyle !== 'none'])
      if (index === undefined) continue
      missing.delete(Number(index))
      assert.ok(shown, `${address}: the focus on ${names[index]} is not visible`)
    }
    assert.deepEqual([...missing].map((index) => names[index]), [], address)
  }
})

test('each menu opens, is used and closes with the keyboard', async (t) => {
  const { page, open } = await visit(t)
  for (const view of views) {
    await open(`/?view=${view}&${days}&channel=CHAT`)
    const menus = page.locator('details.menu > summary')
    assert.ok((await menus.count()) > 1, view)
    for (const summary of await menus.all()) {
      await summary.focus()
      await page.keyboard.press('Enter')
      await summary.locator('xpath=../div').locator('button, input').first().waitFor()
      await page.keyboard.press('Tab')
      assert.ok(await summary.evaluate((one) => one.parentElement.open && one.parentElement.contains(document.activeElement) && document.activeElement !== one), `${view}: Tab goes into the menu`)
      await page.keyboard.press('Escape')
      assert.ok(await summary.evaluate((one) => !one.parentElement.open && document.activeElement === one), `${view}: Escape goes back`)
    }
  }
})

for (const [name, options] of Object.entries({ light: {}, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 360, height: 780 } } })) {
  test(`no view has a barrier that axe finds, ${name}`, async (t) => {
    const { page, open } = await visit(t, options)
    for (const address of [...views.map((view) => `/?view=${view}&${days}`), ...details, `/?view=now&project=${queue}`]) {
      await open(address)
      assert.deepEqual(await barriers(page), [], address)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(over <= 0, `${address} is ${over} px too wide`)
    }
  })
}

test('a life line fits a narrow screen, and every event is in view', async (t) => {
  const { page, open } = await visit(t, { viewport: { width: 360, height: 780 } })
  await open(details[1])
  await page.locator('.lifeline circle').first().waitFor()
  const out = () => page.evaluate(() => [...document.querySelectorAll('.lifeline circle, .lifeline text, .lifeline rect')].filter((one) => {
    const { left, right } = one.getBoundingClientRect()
    return left < 0 || right > innerWidth
  }).map((one) => one.outerHTML))
  assert.deepEqual(await out(), [])
  assert.equal(await page.locator('.lifeline circle').count(), 8)
  await page.setViewportSize({ width: 1200, height: 780 })
  await page.waitForFunction(() => document.querySelector('.lifeline').clientWidth > 800)
  assert.deepEqual(await out(), [], 'after the screen has changed')
})

test('signing in has no barrier that axe finds', async (t) => {
  const { page, open } = await visit(t, { signedIn: false })
  await open('/')
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await barriers(page), [], colorScheme)
  }
})

test('a view with its tables and an open menu has no barrier that axe finds', async (t) => {
  const { page, open } = await visit(t)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    for (const view of views) {
      await open(`/?view=${view}&${days}&channel=CHAT`)
      for (const menu of await page.getByLabel(/^More about/).all()) {
        await menu.click()
        const table = page.getByRole('button', { name: 'Show as a table' })
        if (await table.isVisible()) await table.click()
      }
      await page.locator('.chip summary').click()
      await page.locator('.options label').first().waitFor()
      assert.deepEqual(await barriers(page), [], `${view}, ${colorScheme}`)
    }
  }
})
