// Package importer reads events from files: NDJSON, JSON arrays, CSV with a
// mapping, and the Parquet files that `parley export events` writes; the first
// three also packed with gzip or zstd, and from a pipe.
//
// A [Reader] gives one [Record] after the other, in the order of the file, and
// holds no more than one at a time. What a file is shows in its first bytes.
// A record that cannot be read stands in its place with an error: bad lines
// are named by number, and the rest of the file goes on. Only a file that
// breaks off, or an array that is no JSON, ends it.
//
// # CSV
//
// A mapping (YAML or JSON) says which events a row makes:
//
//	delimiter: ";"                     # a comma unless given
//	timeLayout: "2006-01-02 15:04:05"  # of columns with :time, as in package time of Go; RFC 3339 unless given
//	timeZone: Europe/Paris             # of times without an offset; UTC unless given
//	values:                            # translations, by column
//	  channel: {web: CHAT, mail: EMAIL}
//	events:
//	  - when: "{closed_at}"            # only for rows where this is not empty
//	    id: "closed-{ticket}"
//	    source: helpdesk
//	    type: parley.conversation.closed.v1
//	    time: "{closed_at:time}"
//	    subject: "{ticket:uuid}"
//	    projectid: 7
//	    data:
//	      byUser: {id: "{agent:operator}"}
//
// {column} is replaced by the row's value. Forms: time (see above), uuid (a UUID
// of version 5 of a value that is none), operator (a number as it is, else 53
// bits of a hash), number and bool (JSON without quotes). A member that is one
// placeholder only and empty is left out, and so is an object with nothing left.
// Columns are named by the first row.
package importer
