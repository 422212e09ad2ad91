// Package schema defines the domain: events, their types and data,
// the identifiers that name things, and the codes that errors carry.
//
// The rest of Parley is written in these terms. The package imports the
// standard library only and does no input or output, so that every role
// (ingest, projector, query) and every test may use it.
//
// # Data flow
//
// An event enters as JSON: a CloudEvents 1.0 event in its structured form.
// [Decode] turns those bytes into an [Event] or into an [Error] that names the
// code, the field and the rule; there is no third outcome. The same function
// judges an event at the edge (ingest) and again when it is read back from the
// log (projector), because anyone with the broker's credentials may publish to
// the log. It receives the moment at which the log accepted the event and never reads the clock, so
// judging twice has the same result.
//
// The log keeps the bytes themselves: unknown extensions and unknown data members are preserved value for value.
//
// # Choices that the contract leaves open
//
//   - A known name that occurs twice in one object is refused, even
//     where one of the two is null: JSON parsers differ in which one they see.
//     The same holds for any name in customData. Unknown names may repeat.
//   - Ids are not empty: of an event, its source, messages, tags, routing rules
//     and groups, campaigns, conversions and transactions. A visitor's id may be any string, including the empty one, as the contract says.
//   - id and source have no control characters (CloudEvents). Other strings may.
//   - Half of a surrogate pair (`\ud83d`, what cutting a text in JavaScript
//     leaves) reads as U+FFFD and is not an error. Bytes that are not UTF-8 are an error.
//   - projectid and sequence given in a string may have leading zeros, up to 19
//     digits in all. sequence may be a JSON number of 1 to 19 digits.
//   - The media type may be any that CloudEvents knows as JSON (text/json too).
//   - A leap second counts as the second after it, as in Unix time.
//   - customData takes any JSON number and keeps its text; its names may be empty.
//   - Limits of length count bytes of UTF-8, after escapes are undone. An event
//     that was accepted before a limit existed and breaks it is quarantined when
//     the log is read again.
//   - notes of a customer and text of a message have no limit other than the event's.
//   - type of a customer is CUSTOMER, GUEST or VISITOR. clear names members other than id; a member that is also set, or named twice, is refused.
//   - Objects and arrays nest at most MaxDepth levels deep.
//   - The size that counts is the number of bytes as received, white space
//     included.
//
// # Versions
//
// A type's name ends in its version (parley.conversation.opened.v1). Schemas
// change additively inside a version. A new version is a new [Type] with an
// upcaster (see [Upcast]) that turns data of the version before into the new
// one at decode, so that old events stay readable forever and the fold knows
// the newest version only.
//
// # How to add one number
//
// A number of a conversation, say fooCount, is added in this order. Each step has
// a test that fails until the next one is done.
//
//	schema/graphql/schema.graphql          the field, with the description of what it means
//	schema/clickhouse/projection/NNNN.sql  a new file: ALTER TABLE … ADD COLUMN, with a comment; raise Version
//	schema/clickhouse/views/               the column in the view of the same name
//	projector/fold/rows.go                 the field of the row
//	projector/fold/                        the part that computes it (fold/doc.go lists the parts)
//	projector/reference                    the same again, from the definition: the oracle of tests
//	projector/sink                         the column and its value (conversations.go, contacts of details.go)
//	query/store/columns.go                 the expression that reads it
//	query                                  the field of the type that resolvers return
//	query/explain                          the events that it comes from
//
// A number that metrics sum up goes into query/store/figures.go, query/metrics.go and
// schema/definition too. After a change of the fold, `parley replay` fills the column for the past, and
// `parley verify` says what still differs.
//
// # Files
//
// schema/events holds one JSON Schema per type and the AsyncAPI document,
// schema/clickhouse the numbered SQL, schema/graphql the SDL. Tests check each
// of them against the Go types.
package schema
