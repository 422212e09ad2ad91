package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// Snapshot describes a copy of one stream of the server. The streams of the log and of the buckets
// are copied in the same way: their messages with sequences, times and headers. The copy is divided
// into files, of [segment] sequences each, in the format of the server's own snapshots. Only what was
// appended or erased since changes a file, so the next copy has the others again.
type Snapshot struct {
	Stream  string          `json:"stream"`
	Private bool            `json:"private,omitempty"` // in the account of the buckets
	Config  json.RawMessage `json:"config"`            // of the server
	State   json.RawMessage `json:"state"`
}

// segment is how many sequences one file of a copy covers.
const segment = 1024

// Sealed reports whether the values can be read only with the secret key.
func (s *Snapshot) Sealed() bool { return strings.HasSuffix(s.Stream, sealedSuffix) }

// Log reports whether it is a log, and not a bucket.
func (s *Snapshot) Log() bool { return strings.HasPrefix(s.Stream, streamPrefix) }

// Snapshots lists what a backup consists of, in the order in which it is to be copied: the buckets
// whose values refer to the log first, then the logs, and what is recorded before a log is changed
// last: what is left of rewritten records, and the ledger. So nothing refers to an event that is not in
// the copy, and nothing that is missing in it is unexplained. Leases are not among them: they are of
// running processes.
func (b *Broker) Snapshots(ctx context.Context) ([]Snapshot, error) {
	var list []Snapshot
	for _, account := range slices.Compact([]*Broker{b, b.vault}) {
		asking, done := account.bounded(ctx)
		defer done()
		names := account.js.StreamNames(asking)
		for name := range names.Name() {
			if strings.HasPrefix(name, streamPrefix) || strings.HasPrefix(name, bucketPrefix) && name != leasesStream {
				list = append(list, Snapshot{Stream: name, Private: account != b})
			}
		}
		if err := names.Err(); err != nil {
			return nil, fmt.Errorf("list the streams: %w", classed(err))
		}
	}
	slices.SortFunc(list, func(a, c Snapshot) int {
		if a.turn() != c.turn() {
			return a.turn() - c.turn()
		}
		return strings.Compare(a.Stream, c.Stream)
	})
	return list, nil
}

const (
	streamPrefix = "PARLEY_"
	bucketPrefix = "KV_" + streamPrefix
	leasesStream = "KV_PARLEY_LEASES"
)

func (s *Snapshot) turn() int {
	switch {
	case s.Stream == "KV_"+ledgerBucket:
		return 3
	case s.Stream == "KV_"+rewrittenBucket:
		return 2
	case s.Log():
		return 1
	default:
		return 0
	}
}

// Copy reads a stream as it is now, while it is being written, and calls each with every file of it.
func (b *Broker) Copy(ctx context.Context, s *Snapshot, each func(name string, content io.Reader) error) error {
	packed, chunks := io.Pipe()
	received := make(chan error, 1)
	go func() {
		err := b.account(s).receive(ctx, s, chunks)
		received <- err
		_ = chunks.CloseWithError(err) // never fails
	}()
	err := s.divide(archive.NewReader(s2.NewReader(packed)), each)
	if err == nil {
		_, err = io.Copy(io.Discard, packed)
	}
	_ = packed.CloseWithError(err) // never fails
	if failed := <-received; failed != nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("copy the stream %s: %w", s.Stream, err)
	}
	return nil
}

// stateName is the name of the first entry of a snapshot. The last has no name.
const stateName = "state.json"

// divide calls each with the files of a snapshot.
func (s *Snapshot) divide(from *archive.Reader, each func(name string, content io.Reader) error) error {
	first, err := from.Next()
	if err != nil {
		return err
	}
	if first.Name != stateName {
		return fmt.Errorf("its snapshot begins with %q: nats-server 2.15.2 or newer is needed", first.Name)
	}
	if s.State, err = io.ReadAll(from); err != nil {
		return err
	}
	var open *part
	for {
		header, err := from.Next()
		if err != nil {
			return open.finish(err)
		}
		end := header.Sequence == 0
		if end || open == nil || header.Sequence/segment != open.number {
			if err := open.finish(nil); err != nil || end {
				return err
			}
			open = newPart(header.Sequence/segment, each)
		}
		err = open.to.WriteHeader(header)
		if err == nil {
			_, err = io.Copy(open.to, from)
		}
		if err != nil {
			return open.finish(err)
		}
	}
}

// part is a file that is being written.
type part struct {
	number uint64
	to     *archive.Writer
	pipe   *io.PipeWriter
	done   chan error
}

func newPart(number uint64, each func(name string, content io.Reader) error) *part {
	content, pipe := io.Pipe()
	p := &part{number: number, to: archive.NewWriter(pipe), pipe: pipe, done: make(chan error, 1)}
	go func() {
		err := each(fmt.Sprintf("%016d", number), content)
		_ = content.CloseWithError(err) // never fails
		p.done <- err
	}()
	return p
}

// finish returns the first error of both sides.
func (p *part) finish(err error) error {
	if p == nil {
		return err
	}
	_ = p.pipe.CloseWithError(err) // never fails
	if failed := <-p.done; failed != nil {
		return failed
	}
	return err
}

// account is the connection to the account of a stream.
func (b *Broker) account(s *Snapshot) *Broker {
	if s.Private {
		return b.vault
	}
	return b
}

// receive writes the chunks that the server sends; it sends on when they are acknowledged.
func (b *Broker) receive(ctx context.Context, s *Snapshot, to io.Writer) error {
	inbox := b.conn.NewInbox()
	chunks, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return classed(err)
	}
	defer func() { _ = chunks.Unsubscribe() }()
	if err := chunks.SetPendingLimits(-1, -1); err != nil { // bounded by the server's window
		return classed(err)
	}
	answer, err := b.request(ctx, "$JS.API.STREAM.SNAPSHOT."+s.Stream, map[string]any{"deliver_subject": inbox, "no_consumers": true})
	if err != nil {
		return err
	}
	s.Config = answer.Config
	for {
		next, cancel := b.bounded(ctx)
		chunk, err := chunks.NextMsgWithContext(next)
		cancel()
		if err != nil {
			return classed(err)
		}
		if status := chunk.Header.Get("Status"); status != "" && status != "204" {
			return fmt.Errorf("the server stopped: %s %s", status, chunk.Header.Get("Description"))
		}
		if len(chunk.Data) == 0 {
			return nil
		}
		if _, err := to.Write(chunk.Data); err != nil {
			return err
		}
		if chunk.Reply != "" {
			if err := chunk.Respond(nil); err != nil {
				return classed(err)
			}
		}
	}
}

// snapshotAnswer is what the server answers to a request for a copy, or to put one back.
type snapshotAnswer struct {
	Error          *apiError       `json:"error"`
	Config         json.RawMessage `json:"config"`
	DeliverSubject string          `json:"deliver_subject"`
}

func (b *Broker) request(ctx context.Context, subject string, body any) (*snapshotAnswer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.bounded(ctx)
	defer cancel()
	return answered(b.conn.RequestWithContext(ctx, subject, text))
}

func answered(message *nats.Msg, err error) (*snapshotAnswer, error) {
	if err != nil {
		return nil, classed(err)
	}
	answer := new(snapshotAnswer)
	if len(message.Data) > 0 {
		if err := json.Unmarshal(message.Data, answer); err != nil {
			return nil, fmt.Errorf("answer of the server: %w", err)
		}
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	return answer, nil
}

// File is a file of a copy.
type File func() (io.ReadCloser, error)

// PutBack makes the streams of a copy on a server that has none of them. Records after that of a sequence
// are left out, unless that is 0: see [Stream.Cut]. It needs a connection of its own, because the log must not be opened
// before it is complete: opening creates what is missing.
func PutBack(ctx context.Context, options Options, copies []Snapshot, upTo schema.Sequence, files func(*Snapshot) []File) error {
	b, err := newBroker(options)
	if err != nil {
		return err
	}
	if err := b.connect(ctx); err != nil {
		return fmt.Errorf("eventlog: connect: %w", err)
	}
	defer b.conn.Close()
	if err := b.openVault(ctx); err != nil {
		return fmt.Errorf("eventlog: connect to the buckets: %w", err)
	}
	if b.vault != b {
		defer b.vault.conn.Close()
	}
	for i := range copies {
		s := &copies[i]
		account := b.account(s)
		if _, err := account.js.Stream(ctx, s.Stream); !errors.Is(err, jetstream.ErrStreamNotFound) {
			return errors.Join(fmt.Errorf("the server already has a stream %s", s.Stream), classed(err))
		}
		last := uint64(math.MaxUint64)
		if upTo > 0 && s.Stream == EventsStream {
			if last, err = s.recordOf(upTo); err != nil {
				return fmt.Errorf("put back the stream %s: %w", s.Stream, err)
			}
		}
		if err := account.send(ctx, s, last, files(s)); err != nil {
			return fmt.Errorf("put back the stream %s: %w", s.Stream, err)
		}
	}
	return b.settleReached(ctx)
}

// recordOf returns the record to which a sequence belongs.
func (s *Snapshot) recordOf(sequence schema.Sequence) (uint64, error) {
	var config struct {
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(s.Config, &config); err != nil {
		return 0, fmt.Errorf("its configuration: %w", err)
	}
	singles, err := strconv.ParseUint(config.Metadata[singlesKey], 10, 64)
	if err != nil {
		return 0, errors.New("its metadata do not say where its records begin: " + singlesKey)
	}
	number, _ := record.Numbering{Singles: record.Number(singles)}.Record(sequence)
	return uint64(number), nil
}

// chunkBytes is how much is sent at once.
const chunkBytes = 256 << 10

// send gives the server the messages of a stream, up to a sequence. Later ones count as deleted.
func (b *Broker) send(ctx context.Context, s *Snapshot, last uint64, files []File) error {
	config, err := alone(s.Config)
	if err != nil {
		return err
	}
	answer, err := b.request(ctx, "$JS.API.STREAM.RESTORE."+s.Stream, map[string]any{"config": config, "state": s.State})
	if err != nil {
		return err
	}
	chunks := &chunkWriter{ctx: ctx, broker: b, subject: answer.DeliverSubject}
	packed := s2.NewWriter(chunks, s2.WriterBlockSize(chunkBytes), s2.WriterConcurrency(1))
	to := archive.NewWriter(packed)
	err = to.WriteHeader(&archive.Header{Name: stateName, Timestamp: time.Now().UnixNano(), PayloadSize: int64(len(s.State))})
	if err == nil {
		_, err = to.Write(s.State)
	}
	for _, file := range files {
		if err == nil {
			err = file.copy(to, last)
		}
	}
	if err == nil {
		err = to.WriteHeader(&archive.Header{}) // the last entry
	}
	if err == nil {
		err = packed.Close()
	}
	if err == nil {
		_, err = chunks.say(nil) // the end
	}
	return err
}

// copy writes the messages of a file, up to a sequence.
func (f File) copy(to *archive.Writer, last uint64) error {
	content, err := f()
	if err != nil {
		return err
	}
	defer content.Close()
	from := archive.NewReader(content)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Sequence > last {
			continue
		}
		if err := to.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
}

// alone is a stream's configuration for a server that is no cluster.
func alone(config json.RawMessage) (map[string]any, error) {
	var settings map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(config)))
	decoder.UseNumber()
	if err := decoder.Decode(&settings); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	settings["num_replicas"] = 1
	delete(settings, "placement")
	return settings, nil
}

// chunkWriter sends what is written, and waits for the answer to each chunk.
type chunkWriter struct {
	ctx     context.Context //nolint:containedctx // it lives as long as one copy
	broker  *Broker
	subject string
}

func (w *chunkWriter) Write(p []byte) (int, error) {
	for some := range slices.Chunk(p, chunkBytes) {
		if _, err := w.say(some); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *chunkWriter) say(chunk []byte) (*snapshotAnswer, error) {
	ctx, cancel := context.WithTimeout(w.ctx, putBackTimeout)
	defer cancel()
	return answered(w.broker.conn.RequestWithContext(ctx, w.subject, chunk))
}

// putBackTimeout is how long the server may take to answer a chunk; to the last it answers when it has
// stored all messages.
const putBackTimeout = 10 * answerTimeout

// settleReached makes the ledger of a copy end where its logs do. It is copied after them, so it may
// know of acknowledged events that the copy does not have, and these would count as lost.
func (b *Broker) settleReached(ctx context.Context) error {
	ledger, err := b.vault.js.KeyValue(ctx, ledgerBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		return classed(err)
	}
	for _, name := range []string{EventsStream, RejectedStream} {
		stream, err := b.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return classed(err)
		}
		last := stream.CachedInfo().State.LastSeq
		var entry jetstream.KeyValueEntry
		err = b.vault.once(ctx, func(ctx context.Context) (err error) {
			entry, err = ledger.Get(ctx, name+".reached")
			return err
		})
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return classed(err)
		}
		if reached, err := strconv.ParseUint(string(entry.Value()), 10, 64); err == nil && reached > last {
			err := b.vault.once(ctx, func(ctx context.Context) error {
				_, err := ledger.Put(ctx, name+".reached", strconv.AppendUint(nil, last, 10))
				return err
			})
			if err != nil {
				return classedWrite(err)
			}
		}
	}
	return nil
}

// Cut makes a log that was put back up to a position one that ends there: what was left out is not
// damage, and its sequences are not used again.
func (s *Stream) Cut(ctx context.Context, after schema.Sequence) error {
	last, err := s.Last(ctx)
	if err != nil || last <= after {
		return err
	}
	first, events, err := s.Record(ctx, after+1)
	if err != nil {
		return err
	}
	var beyond []schema.Sequence
	for _, e := range events {
		if e.Sequence > after {
			beyond = append(beyond, e.Sequence)
		}
	}
	if err := s.Erase(ctx, beyond...); err != nil {
		return err
	}
	if first <= after { // it has kept the others
		if after = s.RecordOf(after).To; after == last {
			return nil
		}
	}
	return s.GiveUp(ctx, Range{From: s.RecordOf(after + 1).From, To: last})
}
