// Package importer reads events from files: NDJSON, JSON arrays, CSV with a
// mapping, and the Parquet files that `parley export events` writes; the first
// three also packed with gzip or zstd, and from a pipe.
//
// A [Reader] returns one [Record] after the other, in the order of the file, and
// holds no more than one at a time. What a file is shows in its first bytes; a
// format that is not read (xz, zip, xlsx, tar and others) is refused by name. A
// record that cannot be read has an error in its place: bad lines are named by
// number, and the rest of the file is read. Only a file that breaks off, or an
// array that is not JSON, ends it; the records before the break are taken.
// [Import] sends what a reader reads, and [State] remembers how far it has come.
//
// # Encodings
//
// Text is UTF-8, or UTF-16 with a byte order mark; any other encoding of the WHATWG
// standard is named in [Options]. A byte order mark counts more than the name.
// Rows that are not valid in their encoding are bad lines: nothing is replaced.
//
// # CSV
//
// RFC 4180, with a row of at most 1 MiB. A quote that is never closed is named
// where it opens, and the lines after that one are read again as rows.
//
// A mapping (YAML or JSON) says which events a row makes:
//
//	delimiter: ";"                     # a comma unless given
//	decimalSeparator: ","              # of columns with :number; a point unless given
//	groupSeparator: "."                # between groups of three digits; none unless given
//	formulaGuard: true                 # take away the ' that an export puts before = + - @
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
// of version 5 of a value that is not one), operator (a number without its leading
// zeros, else 53 bits of a hash), number (JSON without quotes and without leading
// zeros) and bool. Without a form a value stays as it is written: 0042 is the text
// "0042". A member that is one placeholder only and empty is left out, and so is an
// object with nothing left. Columns are named by the first row.
package importer
