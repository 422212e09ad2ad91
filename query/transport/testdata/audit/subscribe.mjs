// Follows a subscription with the client graphql-sse, and prints each result. The connection is cut off after a random number of
// bytes, as many times as asked; the client goes on at the last position that it has seen. It ends with a number of results; with
// ERASED, once results that are erased have come for as many objects, whose id is in the field of that name.
//
// node subscribe.mjs URL HEADERS QUERY FIELD CUTS RESULTS [ERASED]

import { createClient } from 'graphql-sse'

const [url, headers, query, field, cuts, results, erased] = process.argv.slice(2)
const ids = new Set()
let last = '0', left = Number(cuts), missing = Number(results), seed = 1

const random = (most) => {
  seed = (seed * 48271) % 2147483647
  return seed % most
}

/** A body that breaks off after a number of bytes. */
async function cutOff(address, init) {
  const response = await fetch(address, init)
  if (left === 0 || !response.ok) return response
  left--
  let bytes = 1 + random(6000)
  const reader = response.body.getReader()
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read()
      if (done) return controller.close()
      controller.enqueue(value.subarray(0, bytes))
      if ((bytes -= value.length) <= 0) {
        await reader.cancel()
        controller.error(new TypeError('cut off'))
      }
    },
  })
  return new Response(body, { status: response.status, headers: response.headers })
}

const client = createClient({
  url, fetchFn: cutOff, retryAttempts: Infinity, retry: async () => {},
  headers: () => ({ ...JSON.parse(headers), 'last-event-id': last }),
})

/** One subscription: it ends when everything has come, or with an error that the client does not try again after. */
const subscribe = () => new Promise((resolve, reject) => {
  const end = client.subscribe({ query }, {
    next(result) {
      console.log(JSON.stringify(result))
      if (result.errors) return reject(new Error(JSON.stringify(result.errors)))
      const change = result.data[field]
      last = change.position
      if (erased ? change.erased && !ids.has(change[erased].id) && ids.add(change[erased].id) : true) missing--
      if (missing === 0) end()
    },
    error: (failure) => (failure.message === 'cut off' ? resolve() : reject(failure)),
    complete: resolve,
  })
})

while (missing > 0) await subscribe()
if (left > 0) throw new Error(`${left} cuts are left`)
