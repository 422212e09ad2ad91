package main

import (
	"io"
	"os"
	"sync/atomic"
)

// countedReader counts the bytes read from a file; one goroutine reads, another may call the counter.
type countedReader struct {
	io.Reader
	read atomic.Int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// countedFile can also be read at any offset.
type countedFile struct {
	*countedReader
	file *os.File
}

func (c *countedFile) ReadAt(p []byte, at int64) (int, error) {
	if end := at + int64(len(p)); end > c.read.Load() {
		c.read.Store(end)
	}
	return c.file.ReadAt(p, at)
}

func (c *countedFile) Seek(offset int64, whence int) (int64, error) {
	return c.file.Seek(offset, whence)
}
