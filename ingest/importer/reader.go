package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/parley-analytics/parley/schema"
)

// Record is an event of a file, in the structured form on one line; or, with Err, what was found instead.
type Record struct {
	Line  int64 // from 1; for an array and Parquet the number of the element
	Event []byte
	Err   error // the event could not be read; Event is what was found instead, or nil
}

// Reader reads the events of a file in their order.
type Reader struct {
	next     func() (Record, error)
	queue    []Record // made of one row
	file     *counted
	close    func() error
	encoding string // that text was converted from; empty for UTF-8
}

// Options say how a file is read.
type Options struct {
	Mapping  *Mapping // the file is CSV
	Encoding string   // of text without a byte order mark; UTF-8 unless given
}

// Next returns the next record; io.EOF after the last one. Any other error means that the rest
// cannot be read. Event is valid until the next call.
func (r *Reader) Next() (Record, error) {
	for len(r.queue) == 0 {
		record, err := r.next()
		if err != nil || record.Event != nil || record.Err != nil {
			return record, err
		}
	}
	record := r.queue[0]
	r.queue = r.queue[1:]
	return record, nil
}

// BytesRead is how far the file was read. It may be called while Next runs.
func (r *Reader) BytesRead() int64 { return r.file.read.Load() }

// Close releases the decompressor.
func (r *Reader) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}

const bufferSize = 1 << 20

// Open detects the format of a file. An unsupported format is refused by name.
func Open(file io.Reader, o Options) (*Reader, error) {
	r := &Reader{file: &counted{Reader: file}}
	in, isParquet, err := r.unpacked(bufio.NewReaderSize(r.file, bufferSize))
	if err != nil {
		return nil, err
	}
	if isParquet {
		at, ok := file.(anywhere)
		if ok {
			_, err := at.Seek(0, io.SeekCurrent) // a pipe cannot
			ok = err == nil
		}
		if !ok {
			return nil, errors.New("a Parquet file cannot be read from a pipe: pass a file name")
		}
		return r, r.parquet(&countedAt{at, r.file})
	}
	if in, err = r.text(in, o.Encoding); err != nil {
		return nil, err
	}
	if o.Mapping != nil {
		return r, r.csv(in, o.Mapping)
	}
	first, err := firstByte(in)
	switch {
	case err != nil:
		return nil, err
	case first == '[':
		r.array(in)
	default:
		r.lines(in)
	}
	return r, nil
}

// mostLine is the maximum length of a line that is read. A longer one is not an event, and its
// beginning is enough for quarantine.
const mostLine = schema.MaxRejectedBytes + 1<<10

// lines reads NDJSON. Blank lines count as lines and are not events.
func (r *Reader) lines(in *bufio.Reader) {
	number := int64(0)
	var line []byte
	r.next = func() (Record, error) {
		line = line[:0]
		number++
		for {
			part, err := in.ReadSlice('\n')
			line = append(line, part[:min(len(part), max(0, mostLine-len(line)))]...)
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return Record{}, fmt.Errorf("line %d: %w", number, err)
			}
			text := bytes.TrimSpace(line)
			if len(text) == 0 {
				if err != nil {
					return Record{}, io.EOF
				}
				return Record{}, nil
			}
			record := Record{Line: number, Event: text}
			if r.encoding != "" {
				record.Err = r.checkText(string(text))
			}
			return record, nil
		}
	}
}

// array reads a JSON array element by element.
func (r *Reader) array(in *bufio.Reader) {
	decoder := json.NewDecoder(in)
	number := int64(0)
	r.next = func() (Record, error) {
		if number == 0 {
			if _, err := decoder.Token(); err != nil {
				return Record{}, early(err)
			}
		}
		number++
		if !decoder.More() {
			if _, err := decoder.Token(); err != nil {
				return Record{}, fmt.Errorf("after element %d: the array is not valid JSON from byte %d on: %w", number-1, decoder.InputOffset(), early(err))
			}
			if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
				return Record{}, fmt.Errorf("unexpected data after the JSON array at byte %d", decoder.InputOffset())
			}
			return Record{}, io.EOF
		}
		var element json.RawMessage
		if err := decoder.Decode(&element); err != nil {
			return Record{}, fmt.Errorf("element %d: the array is not valid JSON from byte %d on: %w", number, decoder.InputOffset(), early(err))
		}
		return Record{Line: number, Event: OneLine(element)}, nil
	}
}

// early reports the end of a file where more data is expected.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// OneLine returns JSON without line breaks between its parts; every value is unchanged.
func OneLine(event []byte) []byte {
	if bytes.IndexByte(event, '\n') < 0 && bytes.IndexByte(event, '\r') < 0 {
		return event
	}
	var out bytes.Buffer
	if json.Compact(&out, event) != nil {
		return bytes.Map(func(c rune) rune {
			if c == '\n' || c == '\r' {
				return ' '
			}
			return c
		}, event)
	}
	return out.Bytes()
}
