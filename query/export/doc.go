// Package export answers GET /v1/export/conversations, /contacts and
// /transactions: whole tables, or what is new in them, as NDJSON, CSV or Parquet.
//
// # The flow
//
// The credentials need the scope read. The query string is read by [query.API]:
// format, from, to and the filters of GraphQL by their names. [Tables] has
// ClickHouse write the rows of the caller's projects in the format; what it
// writes is passed through as it comes. Nothing is held but one buffer, so that
// memory does not grow with the rows.
//
// # Rows
//
// Columns are those of the stable views, in their order. Rows are ordered by
// project, then time (closing, start; open conversations first), then id;
// transactions by project, conversation and id. With from and to, conversations
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
// they are. `parley import` with formulaGuard in its mapping takes the apostrophe
// away again; without it the apostrophe is part of the text.
//
// # Incremental reads
//
// X-Parley-Position is the position in the log at which the statement began.
// Given as updatedSince the next time, every row that changed since comes at
// least once. Without from and to this holds for conversations that were closed
// and are open again, too. An interrupted export is requested again as a whole,
// with the position of the first request.
//
// # Errors
//
// Until the first byte an error is JSON, {"error": code, "message": text}, with a
// status. After it the connection is cut off: a body that ends as its protocol
// says is complete.
//
// # Limits
//
// An export ends, in ClickHouse too, after a time, when the client is gone, and
// when the client reads nothing for 30 seconds, or falls as far behind a rate of
// 64 KiB a second. A credential runs a few at a time, all credentials together some more; more
// is 429 with Retry-After. What is held for a reader is one piece of 128 KiB and the
// buffers of two connections, however slowly it reads.
package export
