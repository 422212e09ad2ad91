// Reads messages as JSON lines {"sequence", "singles", "headers", "payload" (base64)} from standard input and
// writes a JSON line {"sequence", "event"} for each event, as FORMAT.md describes them.
import { createInterface } from 'node:readline'
import { decompress } from 'fzstd'

const table = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1
  return n >>> 0
})

function crc32c(octets) {
  let sum = 0xffffffff
  for (const octet of octets) sum = table[(sum ^ octet) & 255] ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}

// eventsOf returns the events of a record of several, or undefined if the message is a record of one.
function eventsOf(headers, payload) {
  const count = headers['Parley-Events']
  if (count === undefined || !/^\d+$/.test(count) || count < 1 || count > 4096) return undefined
  const encoding = headers['Content-Encoding']
  try {
    const content = encoding === 'zstd' ? decompress(payload) : encoding === undefined ? payload : undefined
    const text = Buffer.from(content).toString()
    const events = text.slice(1, -1).split(',\n')
    const batch = JSON.parse(text)
    return batch.length === Number(count) && events.length === batch.length ? events : undefined
  } catch {
    return undefined
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { sequence, singles, headers, payload } = JSON.parse(line)
  const octets = Buffer.from(payload, 'base64')
  if (octets.length === 0 && headers['Parley-Lost'] !== undefined) continue
  const sum = headers['Parley-Sum']
  if (sum !== undefined && sum !== crc32c(octets).toString(36)) throw new Error(`record ${sequence} is damaged`)
  const events = (sequence > singles && eventsOf(headers, octets)) || [octets.toString()]
  events.forEach((event, index) => {
    const at = sequence > singles ? sequence * 4096 + index : sequence
    process.stdout.write(JSON.stringify({ sequence: at, event }) + '\n')
  })
}
