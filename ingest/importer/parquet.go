package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// exported are the columns that are read from a Parquet file.
type exported struct {
	Original []byte `parquet:"original"`
}

// parquetRows is the number of rows read at a time.
const parquetRows = 256

// parquet reads the column original of a file that export has written, in the
// order of its rows.
func (r *Reader) parquet(file interface {
	io.ReaderAt
	io.Seeker
}) error {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	// The library allocates memory for the footer before it checks that it exists.
	var end [8]byte
	if _, err := file.ReadAt(end[:], max(0, size-int64(len(end)))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if footer := int64(binary.LittleEndian.Uint32(end[:4])); string(end[4:]) != magicParquet || footer > size-12 {
		return errors.New("parquet: the file is truncated or damaged: it does not end like a Parquet file")
	}
	opened, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	column, there := opened.Schema().Lookup("original")
	if !there || !column.Node.Leaf() || column.Node.Type().Kind() != parquet.ByteArray {
		return errors.New("parquet: the file has no column original of bytes or text; `parley export events --format parquet` writes it")
	}
	rows := parquet.NewGenericReader[exported](opened)
	r.close = rows.Close
	buffer := make([]exported, parquetRows)
	number := int64(0)
	r.next = func() (Record, error) {
		n, err := rows.Read(buffer)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				return Record{}, io.EOF
			}
			return Record{}, fmt.Errorf("parquet: after row %d: %w", number, err)
		}
		for _, row := range buffer[:n] {
			number++
			record := Record{Line: number, Event: OneLine(row.Original)}
			if len(bytes.TrimSpace(row.Original)) == 0 {
				record = Record{Line: number, Err: errors.New("the column original has no value")}
			}
			r.queue = append(r.queue, record)
		}
		return Record{}, nil
	}
	return nil
}
