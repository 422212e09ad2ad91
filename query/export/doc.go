// Package export serves GET /v1/export/conversations, /contacts and /transactions: whole tables, or
// their changes, as NDJSON, CSV or Parquet.
//
// # The flow
//
// The credentials need the scope read. The query string is read by [query.API]:
// format, from, to and the filters of GraphQL by their names. [Tables] lets ClickHouse write the
// rows of the caller's projects in the format; its output is streamed. Only one buffer is held, so
// memory does not grow with the rows.
//
// # Rows
//
// Columns are those of the stable views, in their order. Rows come in the order of
// their tables, so that nothing is sorted: conversations by the week in which they began, project,
// beginning and id; contacts by project, start and id; transactions as their conversations. With from and to, conversations
// are the ones closed in the interval, as in GraphQL; without, all of them.
//
// NDJSON writes moments in ISO 8601, numbers and decimals as JSON numbers with all
// their digits, lists and maps as such. CSV (RFC 4180, with a header) writes null as
// nothing and an empty text as "", lists and maps as JSON. Parquet keeps types:
// moments in milliseconds of UTC, amounts as decimals.
//
// A spreadsheet takes a text that begins with =, +, -, @, a tab or a carriage
// return for a formula, and texts come from visitors: CSV has an apostrophe before
// such a text. Numbers stay numbers, negative ones too. raw=true leaves texts as
// they are. `parley import` with formulaGuard in its mapping removes the apostrophe; without it the
// apostrophe is part of the text.
//
// # Incremental reads
//
// X-Parley-Position is the position in the log at which the statement began.
// With this value as asOf, the same export can be repeated; as updatedSince, the next export returns every row that has changed since at
// least once; without from and to, also conversations that were closed and are open again. Repeat
// an interrupted export completely, with the position of the first request.
//
// # Errors
//
// Until the first byte an error is JSON, {"error": code, "message": text}, with a
// status. After that the connection is aborted: a body that ends normally is complete.
//
// # Limits
//
// An export ends, in ClickHouse too, after a time limit, when the client disconnects, and when the
// client reads nothing for 30 seconds, or falls that far behind a rate of 64 KiB a second. The
// number of concurrent exports is limited per credential and in total; beyond that the answer is
// 429 with Retry-After. However slowly a client reads, it uses one buffer of 128 KiB and the
// buffers of two connections.
package export
