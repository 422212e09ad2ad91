package eventlog

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// Stream is one log. Safe for concurrent use.
type Stream struct {
	broker        *Broker
	name, subject string

	contentType string // of a record of several events
	// identify returns the message id of an event that was read, empty if it has none.
	identify func(entry schema.Entry) string

	recent *recent
	// highest is the last record that this process has seen in the stream.
	highest atomic.Uint64
	// acknowledged is the last record that the server has acknowledged to this process. The stream
	// may show later ones that are not on disk yet.
	acknowledged atomic.Uint64
	singles      atomic.Uint64                // see number
	read         atomic.Uint64                // entries that readers have returned, except to scrubs
	created      atomic.Int64                 // when the stream was made, in Unix nanoseconds
	id           atomic.Pointer[string]       // see Identity
	foreign      atomic.Pointer[ForeignError] // why nothing is appended; nil if appends are allowed
	unnoted      atomic.Bool                  // a failure to write the notes was logged

	// refused is the server's last refusal to store anything, or its last silence; nil after a successful append.
	refused atomic.Pointer[refusal]

	ledger *ledger
	// checked is the connection for which the end of the stream was checked: nothing is appended on another one.
	checked atomic.Pointer[presence]

	doubtMu    sync.Mutex
	doubtful   bool // an append has ended without an answer
	doubtAbove record.Number

	rewrittenMu sync.Mutex
	rewrites    *Bucket

	damageMu sync.Mutex
	found    []run // by readers: missing and not deleted on purpose
	lost     []run // by the last check of the whole stream
	audited  audited
}

func newStream(b *Broker, name, subject string) *Stream {
	s := &Stream{broker: b, name: name, subject: subject, recent: newRecent(RememberedIDs)}
	s.contentType, s.identify = record.CloudEvents, eventID
	if name == RejectedStream {
		s.contentType, s.identify = record.JSON, rejectedID
	}
	s.ledger = &ledger{broker: b, stream: name, pages: map[uint64]*page{}}
	s.singles.Store(unmigrated)
	return s
}

// open makes the stream ready, and waits for a server, or for as many as its copies need.
func (s *Stream) open(ctx context.Context) error {
	said := false
	return Retry(ctx, func() error {
		err := s.ensure(ctx)
		if err == nil {
			err = s.checkEnd(ctx)
		}
		var lacking *copiesError
		if errors.As(err, &lacking) && !said {
			s.broker.log.Warn("the log cannot be opened yet; retrying", "stream", s.name, "error", err)
			said = true
		}
		return err
	})
}

// ensure creates the stream, or changes the settings of an existing one that Parley relies on or
// the options name; other settings are kept.
func (s *Stream) ensure(ctx context.Context) error {
	ctx, cancel := s.broker.bounded(ctx)
	defer cancel()
	js, o := s.broker.js, s.broker.options

	existing, err := js.Stream(ctx, s.name)
	if err == nil {
		config := existing.CachedInfo().Config
		if err := checkVersion(s.name, config.Metadata); err != nil {
			return err
		}
		if err := s.number(ctx, config.Metadata, record.Number(existing.CachedInfo().State.LastSeq)); err != nil {
			return err
		}
		if !o.Observe && s.adapt(&config) {
			if existing, err = js.UpdateStream(ctx, config); err != nil {
				return o.copies(classed(err))
			}
		}
	} else if errors.Is(err, jetstream.ErrStreamNotFound) && !o.Observe {
		config := jetstream.StreamConfig{
			Name:      s.name,
			Storage:   jetstream.FileStorage,
			Retention: jetstream.LimitsPolicy,
			Replicas:  1,
		}
		if err := s.number(ctx, nil, 0); err != nil {
			return err
		}
		s.adapt(&config)
		if existing, err = js.CreateStream(ctx, config); err != nil {
			return o.copies(classed(err))
		}
	} else {
		return classed(err)
	}
	info := existing.CachedInfo()
	if !info.Config.AllowAtomicPublish && !o.Observe {
		return errors.New("the server cannot publish atomic batches: nats-server 2.15.2 or newer is needed")
	}
	s.created.Store(info.Created.UnixNano())
	s.saw(record.Number(info.State.LastSeq))
	return nil
}

// recognise checks after a reconnect whether the stream is still the same. The server at the
// address may have other data: a restored copy, or none. Then everything remembered is dropped,
// because a message that is missing must not count as stored. It retries until it gets an answer or
// the connection of link ends; nothing is appended before that.
func (s *Stream) recognise(link context.Context) {
	for {
		err := s.recogniseOnce(link)
		if err == nil {
			return
		}
		s.recent.forget()
		s.broker.log.Warn("cannot check the log yet", "stream", s.name, "error", err)
		if !pause(link, 250*time.Millisecond) {
			return
		}
	}
}

func (s *Stream) recogniseOnce(ctx context.Context) error {
	info, err := s.info(ctx, false)
	if err != nil {
		return err
	}
	if err := checkVersion(s.name, info.Config.Metadata); err != nil {
		return err
	}
	if err := s.number(ctx, info.Config.Metadata, record.Number(info.State.LastSeq)); err != nil {
		return err
	}
	if info.Created.UnixNano() != s.created.Load() || info.State.LastSeq < s.highest.Load() {
		s.broker.log.Error("the log differs from the one before the connection was lost", "stream", s.name,
			"last", info.State.LastSeq, "last before", s.highest.Load())
		s.recent.forget()
	}
	if err := s.checkEnd(ctx); err != nil {
		return err
	}
	if info.Created.UnixNano() != s.created.Load() {
		s.created.Store(info.Created.UnixNano())
		s.highest.Store(info.State.LastSeq)
	}
	return nil
}

// adapt changes the configuration and reports whether anything changed.
func (s *Stream) adapt(config *jetstream.StreamConfig) bool {
	o, changed := s.broker.options, false
	if len(config.Subjects) != 1 || config.Subjects[0] != s.subject {
		config.Subjects, changed = []string{s.subject}, true
	}
	for key, value := range map[string]string{
		versionKey: strconv.Itoa(Version), singlesKey: strconv.FormatUint(s.singles.Load(), 10),
		identityKey: cmp.Or(config.Metadata[identityKey], rand.Text()),
	} {
		if config.Metadata[key] != value {
			metadata := maps.Clone(config.Metadata)
			if metadata == nil {
				metadata = make(map[string]string)
			}
			metadata[key] = value
			config.Metadata, changed = metadata, true
		}
	}
	set(&config.Discard, jetstream.DiscardNew, &changed)
	set(&config.AllowAtomicPublish, true, &changed)
	set(&config.AllowDirect, true, &changed)
	set(&config.DenyDelete, false, &changed) // erasure deletes messages
	set(&config.Duplicates, DuplicateWindow, &changed)
	if o.Replicas > 0 {
		set(&config.Replicas, o.Replicas, &changed)
	}
	if o.Compression {
		set(&config.Compression, jetstream.S2Compression, &changed)
	}
	most := o.RejectedMaxBytes
	if s.name == EventsStream {
		most = o.MaxBytes
		if o.MaxAge > 0 {
			set(&config.MaxAge, o.MaxAge, &changed)
		}
	}
	if most != 0 {
		set(&config.MaxBytes, max(most, -1), &changed)
	}
	if config.MaxAge > 0 && config.MaxAge < config.Duplicates {
		set(&config.Duplicates, config.MaxAge, &changed)
	}
	return changed
}

func set[T comparable](field *T, value T, changed *bool) {
	if *field != value {
		*field, *changed = value, true
	}
}

// Name is the stream's name at the server.
func (s *Stream) Name() string { return s.name }

// State is the state of the stream at one moment.
type State struct {
	// First and Last are the lowest and highest sequences that its events may have. First is above
	// Last in a stream that is empty.
	First, Last schema.Sequence
	Messages    uint64 // records
	Bytes       uint64
	Created     time.Time
	FirstTime   time.Time
	LastTime    time.Time
	// Deleted counts records between the first and the last that are gone: erased or rewritten ones,
	// and those lost with a damaged block.
	Deleted uint64
}

// State requests the state from the server.
func (s *Stream) State(ctx context.Context) (State, error) {
	info, err := s.info(ctx, false)
	if err != nil {
		return State{}, err
	}
	st, n := info.State, s.numbering()
	s.saw(record.Number(st.LastSeq))
	first, err := s.first(ctx, info)
	if err != nil {
		return State{}, err
	}
	return State{
		First: n.Sequence(first, 0), Last: n.Last(record.Number(st.LastSeq)),
		Messages: st.Msgs, Bytes: st.Bytes, Deleted: st.NumDeleted,
		Created: info.Created, FirstTime: st.FirstTime, LastTime: st.LastTime,
	}, nil
}

// Skip returns the first sequence that an event may have so many records after the one that holds
// another.
func (s *Stream) Skip(sequence schema.Sequence, records uint64) schema.Sequence {
	number, _ := s.numbering().Record(sequence)
	return s.numbering().Sequence(number+record.Number(records), 0)
}

// streamInfo is the part of the server's answer that is used here. The client library's type omits lost sequences.
type streamInfo struct {
	Error   *apiError `json:"error"`
	Created time.Time `json:"created"`
	Config  struct {
		MaxAge   time.Duration `json:"max_age"`
		MaxBytes int64         `json:"max_bytes"`

		Metadata map[string]string `json:"metadata"`
	} `json:"config"`
	State struct {
		Msgs       uint64    `json:"messages"`
		Bytes      uint64    `json:"bytes"`
		FirstSeq   uint64    `json:"first_seq"`
		LastSeq    uint64    `json:"last_seq"`
		FirstTime  time.Time `json:"first_ts"`
		LastTime   time.Time `json:"last_ts"`
		NumDeleted uint64    `json:"num_deleted"`
		Deleted    []uint64  `json:"deleted"`
		Lost       *struct {
			Msgs []uint64 `json:"msgs"`
		} `json:"lost"`
	} `json:"state"`
	Cluster *struct {
		Leader string `json:"leader"`
	} `json:"cluster"`
}

func (s *Stream) info(ctx context.Context, deleted bool) (*streamInfo, error) {
	body := []byte(nil)
	if deleted {
		body = []byte(`{"deleted_details":true}`)
	}
	answer, err := s.broker.ask(ctx, "$JS.API.STREAM.INFO."+s.name, body)
	if err != nil {
		return nil, err
	}
	info := new(streamInfo)
	if err := json.Unmarshal(answer.Data, info); err != nil {
		return nil, fmt.Errorf("stream info: %w", err)
	}
	if info.Error != nil {
		return nil, info.Error
	}
	// In a cluster, a copy whose group has no leader answers too. It may lack what was acknowledged.
	if info.Cluster != nil && info.Cluster.Leader == "" {
		return nil, fmt.Errorf("%w: the stream has no leader: most of the servers that hold it do not run or cannot reach each other", ErrUnavailable)
	}
	return info, nil
}

func (s *Stream) ready(ctx context.Context) error {
	info, err := s.info(ctx, false)
	if err != nil {
		return err
	}
	if s.checked.Load() != s.broker.present.Load() {
		return fmt.Errorf("%w: not checked since the connection was lost", ErrUnavailable)
	}
	if err := s.foreignNow(); err != nil {
		return err
	}
	return s.refused.Load().report(info)
}

// refusal is an append that the server answered with an error, or not at all.
type refusal struct {
	at    time.Time
	cause error
}

// refusedFor is how long a stream counts as refusing messages after a refusal, if its state does not show it.
const refusedFor = 15 * time.Second

// report returns why the stream does not accept messages now; nil for no refusal or an old one.
func (r *refusal) report(info *streamInfo) error {
	switch {
	case r == nil:
		return nil
	case errors.Is(r.cause, ErrFull) && (time.Since(r.at) < refusedFor || info.atLimit()):
		return fmt.Errorf("%w: %d MiB, and its limit (max_bytes) is %d MiB; or the disk is full", ErrFull, info.State.Bytes>>20, info.Config.MaxBytes>>20)
	case time.Since(r.at) < refusedFor:
		return fmt.Errorf("the server does not store messages: %w: check its disk and its log", r.cause)
	}
	return nil
}

// atLimit reports whether a stream is close to its limit.
func (i *streamInfo) atLimit() bool {
	return i.Config.MaxBytes > 0 && i.State.Bytes >= uint64(i.Config.MaxBytes)/100*99
}

// Last returns the highest sequence that an event of the last record may have, 0 for a stream that
// never held one. Every event has that sequence or a lower one; [schema.Entry.Through] of the last
// event is that sequence.
func (s *Stream) Last(ctx context.Context) (schema.Sequence, error) {
	last, err := s.last(ctx)
	return s.numbering().Last(last), err
}

// last returns the last record that was ever stored.
func (s *Stream) last(ctx context.Context) (record.Number, error) {
	info, err := s.info(ctx, false)
	if err != nil {
		return 0, err
	}
	s.saw(record.Number(info.State.LastSeq))
	return record.Number(info.State.LastSeq), nil
}

// saw notes that the stream has reached a record.
func (s *Stream) saw(number record.Number) { raise(&s.highest, number) }

// raise stores the number of a record unless a higher one is stored.
func raise(highest *atomic.Uint64, number record.Number) {
	for {
		old := highest.Load()
		if old >= uint64(number) || highest.CompareAndSwap(old, uint64(number)) {
			return
		}
	}
}

// DropBefore deletes all records of which every event is below a sequence. This is how a bounded log
// makes room: only when a caller knows that they are stored elsewhere, never automatically.
func (s *Stream) DropBefore(ctx context.Context, sequence schema.Sequence) error {
	number, _ := s.numbering().Record(sequence)
	if err := s.ledger.drop(ctx, number); err != nil {
		return err
	}
	if err := s.purge(ctx, number); err != nil {
		return err
	}
	return s.dropRemains(ctx, number)
}

// purge deletes all records below one.
func (s *Stream) purge(ctx context.Context, below record.Number) error {
	ctx, cancel := s.broker.bounded(ctx)
	defer cancel()
	stream, err := s.broker.js.Stream(ctx, s.name)
	if err != nil {
		return classed(err)
	}
	return classed(stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(below))))
}

// delete overwrites a record on disk and deletes it. A missing one is not an error.
func (s *Stream) delete(ctx context.Context, number record.Number) error {
	ctx, cancel := s.broker.bounded(ctx)
	defer cancel()
	stream, err := s.broker.js.Stream(ctx, s.name)
	if err != nil {
		return classed(err)
	}
	err = classed(stream.SecureDeleteMsg(ctx, uint64(number)))
	if err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	if _, missing := s.stored(ctx, number, false); errors.Is(missing, ErrNotFound) {
		return nil
	}
	return err
}
