package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// sniffed is the number of bytes read to detect the format: a tar archive is recognised at byte 257.
const sniffed = 512

const (
	mostUnpackMemory = 128 << 20
	magicGzip        = "\x1f\x8b"
	magicZstd        = "\x28\xb5\x2f\xfd"
	magicParquet     = "PAR1"
)

// foreign are unsupported formats, by their first bytes, with the remedy.
var foreign = []struct {
	at     int
	magic  string
	name   string
	remedy string
}{
	{0, "\xfd7zXZ\x00", "an xz archive", "unpack it with `xz -d`, or pack it with gzip or zstd"},
	{0, "BZh", "a bzip2 archive", "unpack it with `bzip2 -d`, or pack it with gzip or zstd"},
	{0, "\x04\x22\x4d\x18", "an lz4 archive", "unpack it with `lz4 -d`, or pack it with gzip or zstd"},
	{0, "LZIP", "an lzip archive", "unpack it with `lzip -d`, or pack it with gzip or zstd"},
	{0, "\x1f\x9d", "a compress (.Z) archive", "unpack it with `uncompress`, or pack it with gzip or zstd"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"},
	{0, "Rar!\x1a\x07", "a RAR archive", "unpack it first"},
	{0, "PK\x03\x04", "a ZIP archive (as an .xlsx workbook is)", "unpack it first, or save the workbook as CSV UTF-8"},
	{0, "PK\x05\x06", "an empty ZIP archive", "give the file itself"},
	{257, "ustar", "a tar archive", "unpack it with `tar -x` and import its files"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document of the old format (.xls)", "save it as CSV UTF-8"},
	{0, "%PDF-", "a PDF document", "export the data as CSV or JSON"},
	{0, "Obj\x01", "an Avro file", "convert it to NDJSON"},
	{0, "ORC", "an ORC file", "convert it to NDJSON"},
	{0, "ARROW1", "an Arrow file", "convert it to NDJSON"},
	{0, "SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
	{0, "\xff\xfe\x00\x00", "UTF-32 text", "convert it to UTF-8"},
	{0, "\x00\x00\xfe\xff", "UTF-32 text", "convert it to UTF-8"},
}

// refuse returns an error for an unsupported format.
func refuse(head []byte) error {
	for _, f := range foreign {
		if len(head) >= f.at && bytes.HasPrefix(head[f.at:], []byte(f.magic)) {
			return fmt.Errorf("this is %s, which is not supported: %s", f.name, f.remedy)
		}
	}
	return nil
}

// unpacked reads the decompressed content of a file, or the file itself, and refuses content that
// is not text. A Parquet file is left unchanged.
func (r *Reader) unpacked(in *bufio.Reader) (_ *bufio.Reader, isParquet bool, err error) {
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	packed := &packing{}
	switch {
	case bytes.HasPrefix(head, []byte(magicParquet)):
		return in, true, nil
	case bytes.HasPrefix(head, []byte(magicGzip)):
		unpack, err := gzip.NewReader(in)
		if err != nil {
			return nil, false, fmt.Errorf("gzip: %w", err)
		}
		packed.name, packed.from = "gzip", unpack
	case bytes.HasPrefix(head, []byte(magicZstd)):
		unpack, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostUnpackMemory))
		if err != nil {
			return nil, false, fmt.Errorf("zstd: %w", err)
		}
		r.close = func() error { unpack.Close(); return nil }
		packed.name, packed.from = "zstd", unpack
	default:
		return in, false, refuse(head)
	}
	in = bufio.NewReaderSize(packed, bufferSize)
	head, _ = in.Peek(sniffed) // a truncated archive fails when it is read
	if bytes.HasPrefix(head, []byte(magicParquet)) {
		return nil, false, fmt.Errorf("this is a Parquet file inside %s: unpack it first", packed.name)
	}
	if bytes.HasPrefix(head, []byte(magicGzip)) || bytes.HasPrefix(head, []byte(magicZstd)) {
		return nil, false, fmt.Errorf("this is an archive inside %s: unpack it first", packed.name)
	}
	return in, false, refuse(head)
}

// packing reads an archive and reports where it is truncated. The error is permanent.
type packing struct {
	name string
	from io.Reader
	read int64
	err  error
}

func (p *packing) Read(into []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.from.Read(into)
	p.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &brokenError{fmt.Errorf("the %s archive is truncated or damaged after %d bytes of its content: %w", p.name, p.read, err)}
	}
	p.err = err
	return n, err
}

// brokenError is the end of a file where more data is expected.
type brokenError struct{ error }

// Unwrap returns the cause.
func (b *brokenError) Unwrap() error { return b.error }
