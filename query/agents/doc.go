// Package agents lets AI agents ask questions with the Model Context Protocol (MCP), on the official SDK.
//
// # The flow
//
//	client ──MCP──▶ tool (here) ──document and variables──▶ /graphql ──▶ tables
//
// A tool is a fixed GraphQL document whose values are variables, run by an [Asker] as the caller: over HTTP with the credentials of
// the request ([Handler]), over stdio with a key (`parley mcp`). So the walls between projects, limits, cost and logs are those of
// GraphQL, and no tool can write.
//
// # Answers
//
// Each answer has the position in the log, the GraphQL request that gave it, and a link to the dashboards; that of metrics has the SQL of
// its figures, too, if they are of the present: the views do not show the past. Personal data is not
// selected: no visitors, names of operators, texts or custom data. Texts are given only with includeText, apart from the rest and
// marked as untrusted: they are data, whatever they say. An answer has at most [MaxAnswer] bytes.
//
// # HTTP
//
// The endpoint keeps no sessions. A request from another origin is refused, and the SDK refuses a foreign Host on loopback (DNS
// rebinding). Cookies are ignored: a page that a person is signed in to cannot be used by another.
package agents
