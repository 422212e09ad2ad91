package record

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/schema"
)

// Limits of a record of several events.
const (
	// MaxEvents is the number of events that a record may hold, and the factor between the number
	// of a record and the sequences of its events.
	MaxEvents = schema.RecordEvents
	// MaxBytes is the size of an uncompressed payload. A record that does not compress still fits,
	// with its headers, into a message of 1 MiB.
	MaxBytes = 1<<20 - 64<<10
)

// Names and values of the headers.
const (
	HeaderEvents    = "Parley-Events"
	HeaderFirstTime = "Parley-First-Time"
	HeaderLastTime  = "Parley-Last-Time"
	// HeaderSum is present in a record of one too.
	HeaderSum = "Parley-Sum"

	headerType     = "Content-Type"
	headerEncoding = "Content-Encoding"
	encodingZstd   = "zstd"

	// CloudEvents is the content type of a record of the log of events.
	CloudEvents = "application/cloudevents-batch+json"
	// JSON is the content type of a record of any other log.
	JSON = "application/json"
)

// Batch is the content of a record.
type Batch struct {
	ContentType string
	Events      [][]byte  // each one a JSON value
	First, Last time.Time // the earliest and latest of the events; zero if unknown
}

// Fits reports whether an event of a size may be appended to a record of so many events and bytes.
// The size of a record is the sum of [Space] of its events.
func Fits(events, bytes, event int) bool {
	return events < MaxEvents && bytes+Space(event) <= MaxBytes
}

// Space is the number of bytes that an event takes in an uncompressed payload.
func Space(event int) int { return event + 2 }

// Codec encodes and decodes records. Safe for concurrent use.
type Codec struct {
	packer   *zstd.Encoder
	unpacker *zstd.Decoder
}

// NewCodec makes a codec.
func NewCodec() (*Codec, error) {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true),
		zstd.WithWindowSize(1<<20)) // no record is larger; twice as much is held for each processor
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(MaxBytes))
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &Codec{packer, unpacker}, nil
}

// Encode returns the headers and the payload of a record. Line feeds inside an event become
// spaces: in JSON they only occur between values.
func (c *Codec) Encode(b Batch) (header map[string][]string, payload []byte, err error) {
	plain, err := lines(b.Events)
	if err != nil {
		return nil, nil, err
	}
	payload = c.packer.EncodeAll(plain, make([]byte, 0, len(plain)/4))
	header = map[string][]string{
		headerType:     {b.ContentType},
		headerEncoding: {encodingZstd},
		HeaderEvents:   {strconv.Itoa(len(b.Events))},
		HeaderSum:      {Sum(payload)},
	}
	if !b.First.IsZero() {
		header[HeaderFirstTime] = []string{moment(b.First)}
		header[HeaderLastTime] = []string{moment(b.Last)}
	}
	return header, payload, nil
}

func moment(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// lines is the uncompressed payload: a JSON array with one event on each line.
func lines(events [][]byte) ([]byte, error) {
	if len(events) == 0 || len(events) > MaxEvents {
		return nil, fmt.Errorf("record: %d events: must be 1 to %d", len(events), MaxEvents)
	}
	size := 0
	for _, e := range events {
		size += Space(len(e))
	}
	if size > MaxBytes {
		return nil, fmt.Errorf("record: %d bytes: must be at most %d", size, MaxBytes)
	}
	plain := append(make([]byte, 0, size), '[')
	for i, e := range events {
		if i > 0 {
			plain = append(plain, ",\n"...)
		}
		begin := len(plain)
		plain = append(plain, e...)
		for at := bytes.IndexByte(plain[begin:], '\n'); at >= 0; at = bytes.IndexByte(plain[begin:], '\n') {
			plain[begin+at] = ' '
			begin += at + 1
		}
	}
	return append(plain, ']'), nil
}

// ErrSingle is returned for a message that is not a record of several events: its payload is one event.
var ErrSingle = errors.New("record: the message holds one event")

// ErrMalformed is returned for a message with the headers of a record that is none.
var ErrMalformed = errors.New("record: malformed")

func count(header map[string][]string) (int, error) {
	given := header[HeaderEvents]
	if len(given) == 0 {
		return 0, ErrSingle
	}
	n, err := strconv.Atoi(given[0])
	if err != nil || len(given) > 1 || n < 1 || n > MaxEvents {
		return 0, fmt.Errorf("%w: the number of events must be 1 to %d", ErrMalformed, MaxEvents)
	}
	return n, nil
}

// Decode returns the events of a message, which may come from anyone: the memory it takes is bounded
// by [MaxBytes]. The error is [ErrSingle] or [ErrMalformed]. It does not verify the checksum.
func (c *Codec) Decode(header map[string][]string, payload []byte) ([][]byte, error) {
	n, err := count(header)
	if err != nil {
		return nil, err
	}
	plain := payload
	switch encodings := header[headerEncoding]; {
	case len(encodings) == 0:
	case len(encodings) == 1 && encodings[0] == encodingZstd:
		if plain, err = c.unpack(payload); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: unknown content encoding", ErrMalformed)
	}
	return split(plain, n)
}

// unpack decompresses one frame that states its size.
func (c *Codec) unpack(payload []byte) ([]byte, error) {
	var frame zstd.Header
	if err := frame.Decode(payload); err != nil || !frame.HasFCS || frame.FrameContentSize > MaxBytes {
		return nil, fmt.Errorf("%w: the compressed payload must be a frame that states its size, at most %d bytes", ErrMalformed, MaxBytes)
	}
	plain, err := c.unpacker.DecodeAll(payload, make([]byte, 0, frame.FrameContentSize))
	if err != nil {
		return nil, fmt.Errorf("%w: decompress: %w", ErrMalformed, err)
	}
	return plain, nil
}

// split returns the n events of an uncompressed payload. They share its memory.
func split(plain []byte, n int) ([][]byte, error) {
	if len(plain) < 3 || len(plain) > MaxBytes || plain[0] != '[' || plain[len(plain)-1] != ']' {
		return nil, fmt.Errorf("%w: the payload must be a JSON array of at most %d bytes", ErrMalformed, MaxBytes)
	}
	rest := plain[1 : len(plain)-1]
	events := make([][]byte, 0, min(n, len(rest)/3+1))
	for {
		line, after, more := bytes.Cut(rest, []byte(",\n"))
		if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
			return nil, fmt.Errorf("%w: each line must hold one event", ErrMalformed)
		}
		if len(events) == n {
			break
		}
		events = append(events, line[:len(line):len(line)])
		if rest = after; !more {
			if len(events) == n {
				return events, nil
			}
			break
		}
	}
	return nil, fmt.Errorf("%w: the number of events differs from the header", ErrMalformed)
}

// Sum returns the checksum of a payload as it is stored.
func Sum(payload []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(payload, castagnoli)), 36)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
