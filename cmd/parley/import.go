package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/schema"
)

type importCommand struct {
	Files   importFiles   `cmd:"" default:"withargs" help:"Import CloudEvents from files: NDJSON, JSON arrays, CSV with a mapping (plain, gzip or zstd), or exported Parquet."`
	IAdvize importIAdvize `cmd:"" name:"iadvize" help:"Import closed conversations from an iAdvize-compatible GraphQL API."`
}

// edgeFlags configure where events are sent, and with which key.
type edgeFlags struct {
	engines.Folder
	To      string `name:"url" help:"Address of the HTTP edge. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile string `help:"File with the id and secret of a key with scope ingest. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

// sender returns the sender that the flags configure.
func (f *edgeFlags) sender() (*client.Client, error) {
	edge, err := apiOf(f.DataDir, f.To, f.KeyFile)
	if err != nil {
		return nil, err
	}
	return edge.sender(), nil
}

type importFiles struct {
	edgeFlags
	Paths    []string `arg:"" name:"file" help:"Files; - is standard input."`
	Mapping  string   `help:"Mapping file that turns CSV rows into events. The files are CSV." type:"existingfile" placeholder:"FILE"`
	Encoding string   `help:"Encoding of text files without a byte order mark, e.g. windows-1252 or utf-16le." default:"utf-8" placeholder:"NAME"`
	DryRun   bool     `help:"Validate without sending." env:"-"`
	Batch    int      `help:"Events per request, 1 to 10000." default:"5000"`
	Show     int      `help:"Maximum number of bad lines to print." default:"20"`
	Restart  bool     `help:"Start at the first line instead of resuming an interrupted import." env:"-"`
}

// Run imports one file after the other. A file that cannot be read to its end does not stop the others.
func (c *importFiles) Run(a *app) error {
	if c.Batch < 1 || c.Batch > schema.MaxRequestEvents {
		return fmt.Errorf("--batch must be from 1 to %d", schema.MaxRequestEvents)
	}
	if err := importer.CheckEncoding(c.Encoding); err != nil {
		return fmt.Errorf("--encoding: %w", err)
	}
	f := &filesImport{app: a, options: importer.Options{Encoding: c.Encoding}, batch: c.Batch, show: c.Show, dir: c.DataDir, restart: c.Restart}
	if c.Mapping != "" {
		content, err := os.ReadFile(c.Mapping)
		if err != nil {
			return err
		}
		if f.options.Mapping, err = importer.ReadMapping(strings.NewReader(string(content))); err != nil {
			return fmt.Errorf("%s: %w", c.Mapping, err)
		}
		sum := sha256.Sum256(append(content, c.Encoding...))
		f.reading = hex.EncodeToString(sum[:8])
	}
	if !c.DryRun {
		var err error
		if f.sender, err = c.sender(); err != nil {
			return err
		}
	}
	for _, path := range c.Paths {
		if err := f.run(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if f.failed {
		return errReported
	}
	return nil
}

// filesImport imports files and prints the results.
type filesImport struct {
	*app
	options importer.Options
	reading string         // names the mapping and encoding
	sender  *client.Client // nil for a dry run
	batch   int
	show    int // bad lines still to be printed
	dir     string
	restart bool
	failed  bool
}

// run imports one file. It returns errors of sending; faults of the file are printed.
func (f *filesImport) run(path string) error {
	in, size := f.stdin, int64(0)
	var state *importer.State // nil if the import cannot be resumed
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return f.unreadable(path, err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return f.unreadable(path, err)
		}
		in, size = file, info.Size()
		if f.sender != nil && info.Mode().IsRegular() {
			if state, err = f.resume(path, info); err != nil {
				return err
			}
		}
	}
	source, err := importer.Open(in, f.options)
	if err != nil {
		return f.unreadable(path, err)
	}
	defer func() { _ = source.Close() }() // it was only read

	name, done := "import", "accepted"
	i := &importer.Import{Records: source, Batch: f.batch, Bad: func(line int64, code, message string) { f.bad(path, line, code, message) }}
	if f.sender == nil {
		name, done = "check", "valid"
	} else {
		i.Sender = f.sender
	}
	shown := progress.New(f.stderr, name, "events", 0)
	if state != nil && state.Records > 0 {
		i.Skip = state.Records
		fmt.Fprintf(f.stderr, "continuing after %d events of %s sent by an earlier import; use --restart to start over\n", i.Skip, printable(path))
	}
	i.Done = func(records int64) error {
		all := records
		if read := source.BytesRead(); size > 0 && read > 0 {
			all = max(all, int64(float64(records)*float64(size)/float64(read)))
		}
		shown.Reach(schema.Sequence(records), schema.Sequence(all))
		if state == nil {
			return nil
		}
		return state.Reach(records)
	}
	counts, err := i.Run(f.ctx)
	if state != nil {
		finish := state.Save
		if err == nil {
			finish = state.End
		}
		if saved := finish(); err == nil {
			err = saved
		}
	}
	var broken *importer.ReadError
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	shown.Finish()
	fmt.Fprintf(f.stdout, "%s: %d %s, ", printable(path), counts.Accepted, done)
	if f.sender != nil {
		fmt.Fprintf(f.stdout, "%d duplicates, ", counts.Duplicates)
	}
	fmt.Fprintf(f.stdout, "%d bad\n", counts.Bad)
	f.failed = f.failed || counts.Bad > 0
	if broken != nil {
		return f.unreadable(path, fmt.Errorf("events up to this point were imported, the rest was not: %w", broken))
	}
	return nil
}

// unreadable prints what is wrong with a file; the import continues with the next.
func (f *filesImport) unreadable(path string, err error) error {
	f.failed = true
	if fault := new(fs.PathError); errors.As(err, &fault) {
		err = fault.Err
	}
	fmt.Fprintf(f.stderr, "%s: %s\n", printable(path), reason(err))
	return nil
}

func (f *filesImport) bad(path string, line int64, code, message string) {
	if f.show <= 0 {
		return
	}
	f.show--
	fmt.Fprintf(f.stderr, "%s:%d: %s: %s\n", printable(path), line, printable(code), printable(message))
	if f.show == 0 {
		fmt.Fprintln(f.stderr, "further bad lines are not printed; print more with --show")
	}
}

// resume finds the state of an earlier import of the same file to the same target: in the data dir
// if there is one, otherwise beside the file.
func (f *filesImport) resume(path string, info fs.FileInfo) (*importer.State, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	place := importer.File(absolute + ".parley-import")
	if _, err := os.Stat(f.dir); err == nil {
		name := sha256.Sum256([]byte(absolute + "\n" + f.sender.ID()))
		place = importer.File(filepath.Join(f.dir, "imports", hex.EncodeToString(name[:8])+".json"))
	}
	if f.restart {
		if err := place.Remove(); err != nil {
			return nil, err
		}
	}
	return importer.Resume(place, info, f.reading)
}
