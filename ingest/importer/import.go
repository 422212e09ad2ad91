package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/schema"
)

// Sender sends a batch until it is answered: a *client.Client. Sending a batch
// again after an error changes nothing.
type Sender interface {
	Send(ctx context.Context, b *client.Batch) (*ingest.Answer, error)
}

// Import imports the records of one file. One goroutine reads ahead by a batch, another sends: one
// request at a time, because events of one key keep their order.
type Import struct {
	Records *Reader
	Sender  Sender // nil: only validate, as the edge would
	Batch   int    // events of one request
	Skip    int64  // records that an earlier import has sent

	Bad  func(line int64, code, message string) // a record that was not accepted
	Done func(records int64) error              // the number of records handled, after each batch
}

// Counts are the results for the records.
type Counts struct{ Accepted, Duplicates, Bad int64 }

// ReadError means that a file cannot be read to its end. Records read before are sent.
type ReadError struct{ Err error }

// Error returns the cause's message.
func (r *ReadError) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *ReadError) Unwrap() error { return r.Err }

// filled is a batch with the positions of its events in the file.
type filled struct {
	client.Batch
	lines   []int64
	bad     []Record // that could not be made
	records int64    // read from the file so far
}

// Run reads the file to its end. With a [*ReadError], the counts cover what was read; any other
// error is one of sending.
func (i *Import) Run(ctx context.Context) (Counts, error) {
	var counts Counts
	var broken error
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan *filled, 1)
	group.Go(func() error {
		defer close(batches)
		var err error
		broken, err = i.read(ctx, batches)
		return err
	})
	group.Go(func() error {
		for b := range batches {
			if err := i.take(ctx, b, &counts); err != nil {
				return err
			}
			if err := i.Done(b.records); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return counts, err
	}
	if broken != nil {
		return counts, &ReadError{broken}
	}
	return counts, nil
}

// read fills batches. If the file is truncated, the records before form a batch, too.
func (i *Import) read(ctx context.Context, batches chan<- *filled) (broken, err error) {
	at := int64(0)
	for done := false; !done; {
		b := &filled{}
		for b.Events() < i.Batch && len(b.Body()) < client.MaxBody {
			record, err := i.Records.Next()
			if err != nil {
				done = true
				if !errors.Is(err, io.EOF) {
					broken = err
				}
				break
			}
			if at++; at <= i.Skip {
				continue
			}
			if record.Err != nil {
				b.bad = append(b.bad, record)
				continue
			}
			b.Add(record.Event)
			b.lines = append(b.lines, record.Line)
		}
		b.records = at
		select {
		case batches <- b:
		case <-ctx.Done():
			return broken, ctx.Err()
		}
	}
	return broken, nil
}

// take checks or sends a batch.
func (i *Import) take(ctx context.Context, b *filled, counts *Counts) error {
	reject := func(line int64, code schema.Code, message string) {
		counts.Bad++
		i.Bad(line, string(code), message)
	}
	for _, record := range b.bad {
		reject(record.Line, schema.CodeInvalid, record.Err.Error())
	}
	if i.Sender == nil {
		now, n := time.Now(), 0
		for line := range bytes.Lines(b.Body()) {
			if _, refused := schema.Decode(bytes.TrimSuffix(line, []byte("\n")), now); refused != nil {
				reject(b.lines[n], refused.Code, refused.Message())
			} else {
				counts.Accepted++
			}
			n++
		}
		return nil
	}
	if b.Events() == 0 {
		return nil
	}
	answer, err := i.Sender.Send(ctx, &b.Batch)
	if err != nil {
		return err
	}
	counts.Accepted += int64(answer.Accepted)
	counts.Duplicates += int64(answer.Duplicates)
	for _, r := range answer.Rejected {
		reject(b.lines[r.Index], r.Code, r.Message)
	}
	return nil
}

// Place stores the progress of an import from one run to the next. Load reports
// whether there is anything.
type Place interface {
	Load(into any) (bool, error)
	Save(state any) error
	Remove() error
}

// State remembers how far the import of a file has come.
type State struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Reading  string    `json:"reading"` // how the file is read: another mapping counts records differently
	Records  int64     `json:"records"` // sent and answered

	place Place
	saved time.Time
}

// saveEvery is the interval between writes of the state.
const saveEvery = time.Second

// Resume finds the state of an earlier import of the same file that was read in
// the same way.
func Resume(place Place, file fs.FileInfo, reading string) (*State, error) {
	s := &State{Size: file.Size(), Modified: file.ModTime().UTC(), Reading: reading, place: place}
	var before State
	there, err := place.Load(&before)
	if err != nil {
		return nil, err
	}
	if there && before.Size == s.Size && before.Modified.Equal(s.Modified) && before.Reading == s.Reading {
		s.Records = before.Records
	}
	return s, nil
}

// Reach records how many records are in the log.
func (s *State) Reach(records int64) error {
	s.Records = max(s.Records, records)
	if time.Since(s.saved) < saveEvery {
		return nil
	}
	return s.Save()
}

// Save writes the state.
func (s *State) Save() error {
	if s.Records == 0 {
		return nil
	}
	s.saved = time.Now()
	return s.place.Save(s)
}

// End removes the state of an import that is complete.
func (s *State) End() error { return s.place.Remove() }
