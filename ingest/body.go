package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// The media types of a body.
const (
	typeStructured = "application/cloudevents+json"
	typeBatch      = "application/cloudevents-batch+json"
	typeLines      = "application/x-ndjson"

	acceptedTypes     = typeStructured + ", " + typeBatch + ", " + typeLines + ", or a JSON type with the event's attributes in ce- headers"
	acceptedEncodings = "gzip, zstd"
)

var (
	errBodyTooLarge = errors.New("the body is larger than 16 MiB")
	errBusy         = errors.New("the server is handling too many bytes at the moment")
)

// form is how a body holds its events.
type form int

const (
	formNone form = iota
	formStructured
	formBatch
	formLines
	formBinary
)

// formOf reads the content type; formNone if it is not supported. A request whose
// headers hold one of the required attributes is in binary mode, so that the answer
// names the ones that are missing.
func formOf(h http.Header) form {
	value := h.Get("Content-Type")
	message := schema.BinaryOf(h, nil)
	binary := message.Has("specversion", "id", "type", "source")
	if value == "" {
		if binary {
			return formBinary
		}
		return formNone
	}
	media, ok := endpoint.MediaType(value)
	if !ok {
		return formNone
	}
	switch media {
	case typeStructured:
		return formStructured
	case typeBatch:
		return formBatch
	case typeLines:
		return formLines
	}
	if binary && !message.IsStructured() &&
		(strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")) {
		return formBinary
	}
	return formNone
}

// encodingOf reads the content encoding: "", "gzip" or "zstd", and false for others.
func encodingOf(h http.Header) (string, bool) {
	switch encoding := strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))); encoding {
	case "", "identity":
		return "", true
	case "gzip", "x-gzip":
		return "gzip", true
	case "zstd":
		return encoding, true
	default:
		return "", false
	}
}

// readBody reads and decompresses the whole body. It calls reserve before it allocates that many
// more bytes; if reserve refuses, the error is errBusy. The error is errBodyTooLarge over the
// limit, errUnreadable if the body cannot be decompressed, and another one if the sender has
// disconnected.
func readBody(r *http.Request, encoding string, reserve func(bytes int64) bool) ([]byte, error) {
	if r.ContentLength > schema.MaxRequestBytes {
		return nil, errBodyTooLarge
	}
	packed := &limited{reader: r.Body, left: schema.MaxRequestBytes}
	var source io.Reader = packed
	size := r.ContentLength
	switch encoding {
	case "gzip":
		unpack, err := gzip.NewReader(packed)
		if err != nil {
			return nil, packed.cause(err)
		}
		source, size = unpack, 4*size
	case "zstd":
		unpack, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, packed.cause(err)
		}
		defer unpack.Close()
		source, size = unpack, 4*size
	}

	size = min(max(size, 4<<10), schema.MaxRequestBytes) + 1 // one more, to see the end
	if !reserve(size) {
		return nil, errBusy
	}
	body := make([]byte, 0, size)
	for {
		n, err := source.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > schema.MaxRequestBytes:
			return nil, errBodyTooLarge
		case errors.Is(err, io.EOF):
			return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), nil
		case err != nil && encoding != "":
			return nil, packed.cause(err)
		case err != nil:
			return nil, err
		}
		if len(body) == cap(body) {
			more := int64(min(cap(body), schema.MaxRequestBytes+1-cap(body)))
			if !reserve(more) {
				return nil, errBusy
			}
			body = append(make([]byte, 0, int64(cap(body))+more), body...)
		}
	}
}

// limited reads up to its limit, and keeps the reason why reading ended.
type limited struct {
	reader io.Reader
	left   int64
	err    error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		l.err = errBodyTooLarge
		return 0, l.err
	}
	n, err := l.reader.Read(p[:min(int64(len(p)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		err = errBodyTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// cause distinguishes a sender's compression error from a read error.
func (l *limited) cause(unpacking error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(l.err, &tooLarge):
		return errBodyTooLarge
	case l.err != nil:
		return l.err
	case errors.Is(unpacking, zstd.ErrDecoderSizeExceeded):
		return errBodyTooLarge
	default:
		return errUnreadable
	}
}
