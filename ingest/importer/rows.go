package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// mostRow is the maximum size of one row of CSV: an event is at most 256 KiB.
const mostRow = bufferSize

// rowError is a row that cannot be read. The rows after it can.
type rowError struct{ error }

// rows splits CSV (RFC 4180) into rows and parses each one separately, so that a quote that is
// never closed affects only the line where it opens, not the rest of the file: the lines after it
// are read again as rows.
type rows struct {
	in        *bufio.Reader
	delimiter []byte
	line      int64    // number of the last line read
	again     [][]byte // lines that are read again; nil is one longer than a row

	row    *bytes.Reader
	buffer *bufio.Reader // of row
}

func newRows(in *bufio.Reader, delimiter string) *rows {
	r := &rows{in: in, delimiter: []byte(delimiter), row: bytes.NewReader(nil)}
	r.buffer = bufio.NewReader(r.row)
	return r
}

var errLongRow = errors.New("is longer than 1 MiB, the most that a row may have")

// readLine returns a line with its end; io.EOF if there is none. It is valid until the next call. A
// line longer than a row is skipped, and errLongRow returned.
func (r *rows) readLine() ([]byte, error) {
	r.line++
	if len(r.again) > 0 {
		line := r.again[0]
		r.again = r.again[1:]
		if line == nil {
			return nil, errLongRow
		}
		return line, nil
	}
	line, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) > 0:
		return line, nil
	case !errors.Is(err, bufio.ErrBufferFull):
		return line, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, errLongRow
}

// next returns the cells of the next row that is not blank and the number of its
// first line. A [*rowError] means that the row cannot be read.
func (r *rows) next() (cells []string, line int64, err error) {
	var text []byte
	for len(bytes.TrimRight(text, "\r\n")) == 0 {
		text, err = r.readLine()
		if errors.Is(err, errLongRow) {
			return nil, r.line, &rowError{err}
		}
		if err != nil {
			return nil, r.line, err
		}
	}
	line = r.line
	if open, at, _ := r.scan(text, -1); open {
		if text, err = r.continued(text, at); err != nil {
			return nil, line, err
		}
	}
	r.row.Reset(text)
	r.buffer.Reset(r.row)
	parser := csv.NewReader(r.buffer)
	parser.FieldsPerRecord = -1
	parser.Comma, _ = utf8.DecodeRune(r.delimiter)
	cells, err = parser.Read()
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		err = &rowError{fmt.Errorf("%w, at column %d", broken.Err, broken.Column)}
	}
	return cells, line, err
}

// continued reads the lines of a row whose first one leaves a quote open.
func (r *rows) continued(first []byte, quote int) ([]byte, error) {
	start := r.line
	text := slices.Clone(first)
	var more [][]byte
	giveUp := func(why string) error {
		r.again = append(more, r.again...)
		r.line = start
		return &rowError{fmt.Errorf("the quote that opens at column %d %s: close it, or double it where it is part of the text", quote+1, why)}
	}
	for {
		line, err := r.readLine()
		switch {
		case errors.Is(err, io.EOF):
			return nil, giveUp("is never closed")
		case errors.Is(err, errLongRow):
			more = append(more, nil)
			return nil, giveUp("is not closed within 1 MiB")
		case err != nil:
			return nil, err
		}
		line = slices.Clone(line)
		more = append(more, line)
		if len(text)+len(line) > mostRow {
			return nil, giveUp("is not closed within 1 MiB")
		}
		text = append(text, line...)
		open, _, ok := r.scan(line, 0)
		if !ok {
			return nil, giveUp(fmt.Sprintf("is not closed before the next one, in line %d", r.line))
		}
		if !open {
			return text, nil
		}
	}
}

// scan follows the quotes of a line. It begins inside quotes if quote is not negative. It reports
// whether a quote is open at the end and at which byte it opened; ok is false if a quote is not
// allowed where it is.
func (r *rows) scan(line []byte, quote int) (open bool, at int, ok bool) {
	for i := 0; ; {
		if quote < 0 {
			if i < len(line) && line[i] == '"' {
				quote = i
				i++
				continue
			}
			next := bytes.Index(line[i:], r.delimiter)
			if next < 0 {
				return false, 0, true
			}
			i += next + len(r.delimiter)
			continue
		}
		next := bytes.IndexByte(line[i:], '"')
		if next < 0 {
			return true, quote, true
		}
		i += next + 1
		rest := line[i:]
		switch {
		case bytes.HasPrefix(rest, []byte{'"'}):
			i++
		case bytes.HasPrefix(rest, r.delimiter):
			i += len(r.delimiter)
			quote = -1
		default:
			return false, 0, len(bytes.TrimRight(rest, "\r\n")) == 0
		}
	}
}
