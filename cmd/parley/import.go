package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/schema"
)

type importCommand struct {
	Files   importFiles   `cmd:"" default:"withargs" help:"Import CloudEvents from files: NDJSON, JSON arrays, CSV with a mapping (these also packed with gzip or zstd), Parquet of an export."`
	IAdvize importIAdvize `cmd:"" name:"iadvize" help:"Import closed conversations from an iAdvize-compatible GraphQL API."`
}

// edgeFlags say where events are sent, and as whom.
type edgeFlags struct {
	dataDir
	To      string `name:"url" help:"Address of the HTTP edge; that of the serve on --data-dir unless given." placeholder:"URL"`
	KeyFile string `help:"File with the id and secret of a key with scope ingest; the admin key of --data-dir unless given." type:"path" placeholder:"FILE"`
}

// sender is that of the flags.
func (f *edgeFlags) sender() (*client.Client, error) {
	address := f.To
	if address == "" {
		e, err := runningEndpoints(f.DataDir)
		if err != nil {
			return nil, err
		}
		address = e.HTTP
	}
	file := f.KeyFile
	if file == "" {
		file = filepath.Join(f.DataDir, adminKeyName)
	}
	key, err := readKey(file)
	if err != nil {
		return nil, err
	}
	return client.New(address, key.ID, key.Secret), nil
}

type importFiles struct {
	edgeFlags
	Paths   []string `arg:"" name:"file" help:"Files; - is standard input."`
	Mapping string   `help:"The files are CSV; this file says which events a row makes." type:"existingfile" placeholder:"FILE"`
	DryRun  bool     `help:"Check everything, send nothing." env:"-"`
	Batch   int      `help:"Events of one request, 1 to 10000." default:"5000"`
	Show    int      `help:"Bad lines to spell out." default:"20"`
	Restart bool     `help:"Begin at the first line, although an import of the file was broken off." env:"-"`
}

// Run imports file by file, each in its order.
func (c *importFiles) Run(a *app) error {
	if c.Batch < 1 || c.Batch > schema.MaxRequestEvents {
		return fmt.Errorf("--batch must be from 1 to %d", schema.MaxRequestEvents)
	}
	var mapping *importer.Mapping
	if c.Mapping != "" {
		file, err := os.Open(c.Mapping)
		if err != nil {
			return err
		}
		defer file.Close()
		if mapping, err = importer.ReadMapping(file); err != nil {
			return fmt.Errorf("%s: %w", c.Mapping, err)
		}
	}
	var to *client.Client
	if !c.DryRun {
		var err error
		if to, err = c.sender(); err != nil {
			return err
		}
	}
	bad := int64(0)
	for _, path := range c.Paths {
		i := &fileImport{app: a, path: path, mapping: mapping, sender: to, batch: c.Batch, show: c.Show - int(min(bad, int64(c.Show)))}
		if err := i.run(c.DataDir, c.Restart); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		bad += i.counts.bad
	}
	if bad > 0 {
		return errReported
	}
	return nil
}

// fileImport brings one file in. One goroutine reads ahead by a batch, another
// sends: one request at a time, for events of one key keep their order.
type fileImport struct {
	*app
	path    string
	mapping *importer.Mapping
	sender  *client.Client // nil for a dry run
	batch   int
	show    int // bad lines still to be spelt out

	counts importCounts
	state  *importState // nil where the import cannot be gone on with
}

type importCounts struct{ accepted, duplicates, bad int64 }

// filled is a batch with the places of its events in the file.
type filled struct {
	client.Batch
	lines   []int64
	bad     []importer.Record // that could not be made
	records int64             // read from the file so far
	read    int64             // bytes read so far
}

func (i *fileImport) run(dir string, restart bool) error {
	in, size := i.stdin, int64(0)
	if i.path != "-" {
		file, err := os.Open(i.path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		in, size = file, info.Size()
		if i.sender != nil && info.Mode().IsRegular() {
			if i.state, err = openImportState(dir, i.path, info, i.sender, restart); err != nil {
				return err
			}
		}
	}
	counted := &countedReader{Reader: in}
	var source io.Reader
	if _, seekable := in.(io.ReaderAt); !seekable || size == 0 {
		source = counted
	} else {
		source = &countedFile{countedReader: counted, file: in.(*os.File)}
	}
	records, err := importer.Open(source, i.mapping)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }() // it was only read

	name := "import"
	if i.sender == nil {
		name = "check"
	}
	shown := newProgress(i.stderr, name, "events", 0)
	skip := int64(0)
	if i.state != nil && i.state.Records > 0 {
		skip = i.state.Records
		fmt.Fprintf(i.stderr, "going on after %d events of %s that an earlier import has sent; --restart begins at the first\n", skip, i.path)
	}
	group, ctx := errgroup.WithContext(i.ctx)
	batches := make(chan *filled, 1)
	group.Go(func() error {
		defer close(batches)
		return i.read(ctx, records, skip, counted, batches)
	})
	group.Go(func() error {
		for b := range batches {
			if err := i.take(ctx, b); err != nil {
				return err
			}
			all := b.records
			if size > 0 && b.read > 0 {
				all = max(all, int64(float64(b.records)*float64(size)/float64(b.read)))
			}
			shown.reach(schema.Sequence(b.records), schema.Sequence(all))
		}
		return nil
	})
	err = group.Wait()
	if saved := i.state.save(err == nil); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	shown.finish()
	if i.sender == nil {
		fmt.Fprintf(i.stdout, "%s: %d valid, %d bad\n", i.path, i.counts.accepted, i.counts.bad)
		return nil
	}
	fmt.Fprintf(i.stdout, "%s: %d accepted, %d duplicates, %d bad\n", i.path, i.counts.accepted, i.counts.duplicates, i.counts.bad)
	return nil
}

// read fills batches.
func (i *fileImport) read(ctx context.Context, records *importer.Reader, skip int64, counted *countedReader, batches chan<- *filled) error {
	at := int64(0)
	for done := false; !done; {
		b := &filled{}
		for b.Events() < i.batch && len(b.Body()) < client.MaxBody {
			record, err := records.Next()
			if errors.Is(err, io.EOF) {
				done = true
				break
			}
			if err != nil {
				return err
			}
			if at++; at <= skip {
				continue
			}
			if record.Err != nil {
				b.bad = append(b.bad, record)
				continue
			}
			b.Add(record.Event)
			b.lines = append(b.lines, record.Line)
		}
		b.records, b.read = at, counted.read
		select {
		case batches <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take checks or sends a batch.
func (i *fileImport) take(ctx context.Context, b *filled) error {
	for _, record := range b.bad {
		i.reject(record.Line, string(schema.CodeInvalid), record.Err.Error())
	}
	if i.sender == nil {
		i.check(b)
		return nil
	}
	if b.Events() > 0 {
		answer, err := i.sender.Send(ctx, &b.Batch)
		if err != nil {
			return err
		}
		i.counts.accepted += int64(answer.Accepted)
		i.counts.duplicates += int64(answer.Duplicates)
		for _, r := range answer.Rejected {
			i.reject(b.lines[r.Index], string(r.Code), r.Message)
		}
	}
	return i.state.reach(b.records)
}

// check judges a batch as the edge would.
func (i *fileImport) check(b *filled) {
	now := time.Now()
	n := 0
	for line := range lines(b.Body()) {
		if _, refused := schema.Decode(line, now); refused != nil {
			i.reject(b.lines[n], string(refused.Code), refused.Message())
		} else {
			i.counts.accepted++
		}
		n++
	}
}

func (i *fileImport) reject(line int64, code, message string) {
	i.counts.bad++
	if i.show > 0 {
		i.show--
		fmt.Fprintf(i.stderr, "%s:%d: %s: %s\n", i.path, line, code, message)
		if i.show == 0 {
			fmt.Fprintln(i.stderr, "further bad lines are counted only; --show says how many are spelt out")
		}
	}
}

// countedReader counts the bytes that were read of a file.
type countedReader struct {
	io.Reader
	read int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	return n, err
}

// countedFile can be read from any place too.
type countedFile struct {
	*countedReader
	file *os.File
}

func (c *countedFile) ReadAt(p []byte, at int64) (int, error) {
	c.read = max(c.read, at+int64(len(p)))
	return c.file.ReadAt(p, at)
}

func (c *countedFile) Seek(offset int64, whence int) (int64, error) {
	return c.file.Seek(offset, whence)
}

// importState remembers how far the import of a file has come.
type importState struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Records  int64     `json:"records"` // sent and answered

	path  string
	saved time.Time
}

// saveEvery is how often the state is written.
const saveEvery = time.Second

// openImportState finds the state of an earlier import of the same file to the
// same place: in the data dir where there is one, beside the file otherwise.
func openImportState(dir, path string, info fs.FileInfo, to *client.Client, restart bool) (*importState, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(dir, "imports")
	s := &importState{Size: info.Size(), Modified: info.ModTime().UTC()}
	if _, err := os.Stat(dir); err != nil {
		s.path = absolute + ".parley-import"
	} else {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		name := sha256.Sum256([]byte(absolute + "\n" + to.ID()))
		s.path = filepath.Join(folder, hex.EncodeToString(name[:8])+".json")
	}
	content, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) || restart {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var before importState
	if json.Unmarshal(content, &before) == nil && before.Size == s.Size && before.Modified.Equal(s.Modified) {
		s.Records = before.Records
	}
	return s, nil
}

// reach notes that so many records are on disk.
func (s *importState) reach(records int64) error {
	if s == nil {
		return nil
	}
	s.Records = max(s.Records, records)
	if time.Since(s.saved) < saveEvery {
		return nil
	}
	return s.save(false)
}

// save writes the state, or removes it at the end.
func (s *importState) save(done bool) error {
	switch {
	case s == nil:
		return nil
	case done:
		err := os.Remove(s.path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	case s.Records == 0:
		return nil
	}
	s.saved = time.Now()
	return writePrivately(s.path, s)
}
