// Asks Parley with the client of the Model Context Protocol for TypeScript, and prints the names of the tools and the answer of one.
//
//   node client.mjs http ENDPOINT ID SECRET TOOL ARGUMENTS
//   node client.mjs stdio TOOL ARGUMENTS COMMAND ARGUMENT...

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [kind, ...rest] = process.argv.slice(2)
let transport, name, given
if (kind === 'http') {
  const [endpoint, id, secret, ...call] = rest
  transport = new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers: { 'x-api-id': id, 'x-api-secret': secret } } })
  ;[name, given] = call
} else {
  const [tool, text, command, ...args] = rest
  transport = new StdioClientTransport({ command, args })
  ;[name, given] = [tool, text]
}
const client = new Client({ name: 'test', version: '1' })
await client.connect(transport)
const { tools } = await client.listTools()
const { content, isError } = await client.callTool({ name, arguments: JSON.parse(given) })
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), isError: isError ?? false, text: content[0].text }))
await client.close()
