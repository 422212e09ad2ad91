package importer

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// exported are the columns that are read of a Parquet file.
type exported struct {
	Original []byte `parquet:"original"`
}

// parquetRows are read at a time.
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
	opened, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	if _, there := opened.Schema().Lookup("original"); !there {
		return errors.New("parquet: the column original is missing; `parley export events --format parquet` writes it")
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
			r.queue = append(r.queue, Record{Line: number, Event: OneLine(row.Original)})
		}
		return Record{}, nil
	}
	return nil
}
