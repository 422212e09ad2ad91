package importer

import (
	"io"
	"sync/atomic"
)

// counted counts how far a file was read; one goroutine reads, another may look.
type counted struct {
	io.Reader
	read atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// anywhere is a file that can be read from any place.
type anywhere interface {
	io.ReaderAt
	io.Seeker
}

// countedAt is a counted file that can be read from any place.
type countedAt struct {
	anywhere
	counted *counted
}

func (c *countedAt) ReadAt(p []byte, at int64) (int, error) {
	if end := at + int64(len(p)); end > c.counted.read.Load() {
		c.counted.read.Store(end)
	}
	return c.anywhere.ReadAt(p, at)
}
