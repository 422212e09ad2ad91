// A parley with demo data and a few events of its own, for the tests of the page.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const binary = process.env.PARLEY ?? new URL('../../../.build/parley', import.meta.url).pathname

/** A project that has only the events below. */
export const small = 4242
/** A project that has nothing until a test sends it. */
export const empty = 4243
/** A project with open conversations in each state. */
export const queue = 4244
export const markup = '<img src=x onerror="document.title=1"><b>Eve</b>'
export const person = { username: 'ada@example.com', password: 'correct horse battery' }

/** Starts a parley and sends its data; stop ends it. */
export async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'parley-browser-'))
  const child = spawn(binary, ['serve', '--data-dir', dir, '--listen', '127.0.0.1:0', '--nats-listen', '127.0.0.1:0', '--clickhouse-http', '127.0.0.1:0', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const url = await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => /^ready (\S+)/.exec(text) && resolve(/^ready (\S+)/.exec(text)[1]))
      child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
    })
    const run = (args, input) => execFileSync(binary, [...args, '--data-dir', dir], { input, stdio: ['pipe', 'pipe', 'inherit'] })
    run(['user', 'add', '--email', person.username, '--projects', `${small},${empty},${queue},9999,1001,1002`, '--scopes', 'read'], person.password + '\n')
    run(['demo', '--conversations', '900', '--history', '20d'])
    const key = JSON.parse(readFileSync(join(dir, 'admin-key.json'), 'utf8'))
    const { clickhouse } = JSON.parse(readFileSync(join(dir, 'endpoints.json'), 'utf8'))
    const server = { url, key, clickhouse, stop }
    await send(server)
    return server
  } catch (failure) {
    await stop()
    throw failure
  }
}

const credentials = ({ key }) => ({ 'x-api-id': key.id, 'x-api-secret': key.secret })

/** Asks the API as the first key, past the page. */
export async function ask(server, query) {
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { ...credentials(server), 'Content-Type': 'application/json' }, body: JSON.stringify({ query }) })
  const { data, errors } = await response.json()
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

/** Runs a statement as dashboards do. */
export async function select({ clickhouse }, statement) {
  const headers = { 'X-ClickHouse-User': clickhouse.bi.user, 'X-ClickHouse-Key': clickhouse.bi.password }
  const response = await fetch(`${clickhouse.http}/?default_format=JSONEachRow&output_format_json_quote_64bit_integers=0`, { method: 'POST', headers, body: statement })
  if (!response.ok) throw new Error(`${statement}\n${await response.text()}`)
  return (await response.text()).trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line))
}

/** The rows of an export, which the tests count for themselves. */
export async function exported(server, path) {
  const response = await fetch(server.url + path, { headers: credentials(server) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.text()).trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line))
}

/** Sends conversations of the small project: one closed, one open, with markup where names and texts are shown. */
async function send(server) {
  const hour = 3_600_000
  const at = (minutes) => new Date(Math.floor(Date.now() / hour) * hour - 26 * hour + minutes * 60_000).toISOString()
  let number = 0
  const event = (subject, type, time, data) => ({ specversion: '1.0', id: `b${++number}`, source: 'browser', type: `parley.${type}.v1`, time, subject, projectid: small, data })
  const closed = '7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a42'
  const open = '7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a43'
  const eve = { id: 4242, kind: 'PROFESSIONAL', name: markup }
  const events = [
    event(closed, 'conversation.opened', at(0), { channel: 'CHAT', visitor: { id: 'v-1', firstName: markup } }),
    event(closed, 'message.sent', at(1), { messageId: 'm1', author: { kind: 'VISITOR', id: 'v-1' }, text: markup }),
    event(closed, 'conversation.routed', at(2), { routingRule: { id: 'r', name: markup } }),
    event(closed, 'conversation.pushed', at(3), { toUser: eve }),
    event(closed, 'message.sent', at(5), { messageId: 'm2', author: { kind: 'PROFESSIONAL', id: 4242 }, text: 'Hello' }),
    event(closed, 'satisfaction.answered', at(9), { customerSatisfaction: 2, comment: markup }),
    event(closed, 'conversation.tagged', at(9), { tag: { id: 't', name: markup } }),
    event(closed, 'conversation.closed', at(10), {}),
    event(open, 'conversation.opened', at(20), { channel: 'EMAIL' }),
    event(open, 'conversation.routed', at(21), { routingRule: { id: 'r', name: markup } }),
    event(open, 'conversation.pushed', at(22), { toUser: eve }),
  ]
  const waits = (number, ...rest) => {
    const of = `7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7c0${number}`
    events.push(...[['conversation.opened', { channel: 'CHAT' }], ['conversation.routed', { routingRule: { id: 'r' } }], ...rest].map(([type, data], index) => ({ ...event(of, type, at(number + index), data), projectid: queue })))
  }
  waits(1)
  waits(2)
  waits(3, ['conversation.pushed', { toUser: eve }], ['conversation.transferred', {}])
  waits(4, ['conversation.pushed', { toUser: eve }], ['conversation.snoozed', {}])
  waits(5, ['conversation.pushed', { toUser: eve }])
  await post(server, events)
  await until(async () => (await ask(server, `{conversations(interval: {from: "2020-01-01T00:00:00Z", to: "2200-01-01T00:00:00Z"}, filters: {projectIds: [${queue}]}, contactFilters: {ongoing: true}) {totalCount}}`)).conversations.totalCount === 1)
  await until(async () => (await ask(server, `{conversation(id: "${open}", projectId: ${small}) {contactCount}}`)).conversation?.contactCount === 1)
}

/** Sends events, all of which are taken. */
export async function post(server, events) {
  const response = await fetch(`${server.url}/v1/events`, { method: 'POST', headers: { ...credentials(server), 'Content-Type': 'application/cloudevents-batch+json' }, body: JSON.stringify(events) })
  const answer = await response.json()
  if (answer.accepted !== events.length) throw new Error(JSON.stringify(answer))
}

/** Waits for a condition, for half a minute at most. */
export async function until(condition) {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (await condition()) return
  }
  throw new Error('the condition is not met after 30 s')
}
