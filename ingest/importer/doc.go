// Package importer reads events from files: NDJSON, JSON arrays, CSV with a
// mapping, and the Parquet files that `parley export events` writes; the first three also
// compressed with gzip or zstd, and from a pipe.
//
// A [Reader] returns one [Record] after the other, in the order of the file, and
// holds no more than one at a time. The format is detected from the first bytes; an unsupported
// format (xz, zip, xlsx, tar and others) is refused by name. A record that cannot be read is
// returned with an error: bad lines are reported with their number, and the rest of the file is
// read. Only a truncated file, or an array that is not JSON, ends it; the records before the fault
// are imported. [Import] sends the records of a reader, and [State] stores its progress.
//
// # Encodings
//
// Text is UTF-8, or UTF-16 with a byte order mark; any other encoding of the WHATWG standard is set
// in [Options]. A byte order mark takes precedence. Rows that are not valid in their encoding are
// bad lines: nothing is replaced.
//
// # CSV
//
// RFC 4180, with a row of at most 1 MiB. A quote that is never closed is reported where it opens,
// and the lines after that one are read again as rows.
//
// A mapping (YAML or JSON) defines the events of a row:
//
//	delimiter: ";"                     # a comma unless given
//	decimalSeparator: ","              # of columns with :number; a point unless given
//	groupSeparator: "."                # between groups of three digits; none unless given
//	formulaGuard: true                 # remove the ' that an export puts before = + - @
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
// zeros) and bool. Without a form a value is text as written: 0042 is the text "0042". A member
// that consists of one empty placeholder is left out, and so is an object with nothing left.
// Columns are named by the first row.
package importer
