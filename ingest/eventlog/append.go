package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

const (
	// answerTimeout bounds one request to the server.
	answerTimeout = 10 * time.Second
	// appendTimeout bounds an Append with all its attempts.
	appendTimeout = 30 * time.Second
	// returnPatience is how long an append that cannot have stored anything waits for a lost connection.
	returnPatience = 5 * time.Second
	// appendAttempts bounds the attempts at one batch.
	appendAttempts = 8
	// appendPause is the pause after an attempt that failed temporarily.
	appendPause = 20 * time.Millisecond

	// batchRecords is the most records of one atomic batch; the server accepts 1,000 by default.
	batchRecords = 500

	headerMessageID = nats.MsgIdHdr
	headerBatchID   = "Nats-Batch-Id"
	headerBatchSeq  = "Nats-Batch-Sequence"
	headerBatchEnd  = "Nats-Batch-Commit"
)

// errDuplicates is the server's refusal of a batch that contains a record it knows.
var errDuplicates = errors.New("the batch contains a known message id")

// errNoAnswer is what is known of a message that the server does not answer although it is connected.
var errNoAnswer = errors.New("no answer in time")

// Append stores messages durably and in order, and returns a receipt for each. They are on disk
// when it returns (if the server syncs always).
//
// New messages are stored in as few records as possible, several records as one atomic batch. A
// duplicate message id is recognised within the call and among the ids remembered in this process;
// it is not stored, and its receipt has the sequence of the first.
//
// After [ErrUnknownOutcome] some or all messages may have been stored: an answer was lost and the
// outcome could not be determined, the server reached a limit in the middle of a batch, or the call
// needed several batches and one after the first failed. After every other error nothing was
// stored. After any error the same messages may be appended again.
//
// Calls may run concurrently; their messages are never interleaved. When ctx ends and the outcome
// is unknown, the error is ErrUnknownOutcome.
func (s *Stream) Append(ctx context.Context, messages []Message) ([]Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()

	if err := s.settleDoubt(ctx); err != nil {
		return nil, fmt.Errorf("append to %s: %w", s.name, err)
	}
	receipts := make([]Receipt, len(messages))
	fresh := make([]int, 0, len(messages))
	repeats := make(map[int]int)                 // index → index of the first with the same id
	first := make(map[string]int, len(messages)) // id → index
	for i := range messages {
		id := messages[i].ID
		if id == "" {
			fresh = append(fresh, i)
			continue
		}
		if at, known := s.recent.find(id); known {
			receipts[i] = Receipt{Sequence: at, Duplicate: true}
		} else if earlier, twice := first[id]; twice {
			repeats[i] = earlier
		} else {
			first[id] = i
			fresh = append(fresh, i)
		}
	}

	if room := s.broker.options.Room; room != nil && len(fresh) > 0 {
		if err := room(); err != nil {
			return nil, fmt.Errorf("append to %s: %w: %w", s.name, ErrFull, err)
		}
	}
	pieces, err := s.pack(messages, fresh)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", s.name, err)
	}
	stored := false
	for batch := range slices.Chunk(pieces, batchRecords) {
		a := attempt{stream: s, messages: messages, receipts: receipts, open: batch}
		if err := a.run(ctx); err != nil {
			var answered *apiError
			if errors.As(err, &answered) && !errors.Is(err, ErrTooLarge) {
				s.refused.Store(&refusal{time.Now(), err})
			}
			if stored && !errors.Is(err, ErrUnknownOutcome) {
				err = fmt.Errorf("%w: batches before this one are stored: %w", ErrUnknownOutcome, err)
			}
			return nil, fmt.Errorf("append to %s: %w", s.name, err)
		}
		s.refused.Store(nil)
		stored = true
	}
	for i, earlier := range repeats {
		receipts[i] = Receipt{Sequence: receipts[earlier].Sequence, Duplicate: true}
	}
	return receipts, nil
}

// attempt stores one batch of records in the stream, with several tries if necessary.
type attempt struct {
	stream   *Stream
	messages []Message
	receipts []Receipt
	open     []piece         // not known to be stored
	stored   []record.Number // the others
	filler   bool            // they only take the place of lost records, see Stream.fill
}

func (a *attempt) run(ctx context.Context) error {
	s := a.stream
	before := record.Number(s.highest.Load())
	unknown := false // this attempt's records may be stored
	var last error
	for range appendAttempts {
		if len(a.open) == 0 {
			return nil
		}
		err := a.publish(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errDuplicates):
			// A record has an id of its own: an earlier try of this attempt has stored it.
			err = a.find(ctx, before)
		case errors.Is(err, ErrUnknownOutcome):
			unknown = true
			if err = s.broker.awaitConnection(ctx); err == nil {
				err = a.find(ctx, before)
			}
		case errors.Is(err, ErrFull) && len(a.open) > 1:
			// The server checks its limits before it stores a batch, but may still reach one in the middle.
			open := len(a.open)
			unknown = unknown || a.find(ctx, before) != nil || len(a.open) < open
		}
		if err != nil {
			last = err
			if !errors.Is(err, ErrUnavailable) || !pause(ctx, appendPause) {
				break
			}
			if s.awaitReturn(ctx, unknown) != nil {
				break
			}
		}
	}
	if len(a.open) == 0 {
		return nil
	}
	if last == nil {
		last = fmt.Errorf("%w: gave up after %d attempts", ErrUnavailable, appendAttempts)
	}
	if unknown {
		s.doubt(before)
	}
	if unknown && !errors.Is(last, ErrUnknownOutcome) {
		last = fmt.Errorf("%w: %w", ErrUnknownOutcome, last)
	}
	return last
}

// find looks for the open records in the log, above a record, and settles those that are stored.
func (a *attempt) find(ctx context.Context, above record.Number) error {
	ids, err := a.stream.learn(ctx, above)
	if err != nil {
		return err
	}
	var open []piece
	for _, p := range a.open {
		if at, stored := ids[p.id]; stored {
			a.settle(p, at)
		} else {
			open = append(open, p)
		}
	}
	a.open = open
	return nil
}

// doubt notes that messages of an append may be stored above a record although this process does
// not know their ids.
func (s *Stream) doubt(above record.Number) {
	s.doubtMu.Lock()
	defer s.doubtMu.Unlock()
	if !s.doubtful || above < s.doubtAbove {
		s.doubtful, s.doubtAbove = true, above
	}
}

// settleDoubt reads the ids of what was stored since an append ended without an
// answer, so that its messages are recognised when they are sent again, however late.
func (s *Stream) settleDoubt(ctx context.Context) error {
	s.doubtMu.Lock()
	defer s.doubtMu.Unlock()
	if !s.doubtful {
		return nil
	}
	if _, err := s.learn(ctx, s.doubtAbove); err != nil {
		return fmt.Errorf("check what was stored before: %w", err)
	}
	s.doubtful = false
	return nil
}

// publish sends the open records: a single one as it is, several as an atomic batch.
func (a *attempt) publish(ctx context.Context) error {
	s := a.stream
	if s.broker.link().Err() != nil || s.broker.conn.Status() != nats.CONNECTED {
		return fmt.Errorf("%w: not connected", ErrUnavailable)
	}
	if !a.filler && s.checked.Load() != s.broker.present.Load() {
		return fmt.Errorf("%w: not checked since the connection was lost", ErrUnavailable)
	}
	if err := s.foreignNow(); err != nil && !a.filler {
		return err
	}
	if len(a.open) == 1 {
		answer, err := s.commit(ctx, s.message(a.open[0]))
		if err != nil {
			return err
		}
		a.settle(a.open[0], record.Number(answer.Sequence))
		a.open = nil
		return nil
	}

	batch := strconv.FormatUint(rand.Uint64(), 36)
	var answer publishAnswer
	for n, p := range a.open {
		message := s.message(p)
		message.Header[headerBatchID] = []string{batch}
		message.Header[headerBatchSeq] = []string{strconv.Itoa(n + 1)}
		if n < len(a.open)-1 {
			if err := s.broker.conn.PublishMsg(message); err != nil {
				return classed(err) // the batch is not committed, and the server drops it
			}
			if n == len(a.open)/2 && s.broker.options.At != nil {
				_ = s.broker.conn.FlushTimeout(time.Second) // the server has received that half
				s.broker.options.At("half")
			}
			continue
		}
		message.Header[headerBatchEnd] = []string{"1"}
		var err error
		if answer, err = s.commit(ctx, message); err != nil {
			return err
		}
	}
	if answer.Count != len(a.open) {
		return fmt.Errorf("%w: the server stored %d messages of a batch of %d", ErrUnknownOutcome, answer.Count, len(a.open))
	}
	begin := record.Number(answer.Sequence) - record.Number(len(a.open)) + 1
	for n, p := range a.open {
		a.settle(p, begin+record.Number(n))
	}
	a.open = nil
	return nil
}

// message is a record as it is published. The headers of the batch are of one try.
func (s *Stream) message(p piece) *nats.Msg {
	m := &nats.Msg{Subject: s.subject, Header: maps.Clone(p.header), Data: p.data}
	m.Header[headerMessageID] = []string{p.id}
	return m
}

func (a *attempt) settle(p piece, at record.Number) {
	s := a.stream
	for index, i := range p.messages {
		a.receipts[i] = Receipt{Sequence: s.numbering().Sequence(at, index)}
		s.recent.add(a.messages[i].ID, a.receipts[i].Sequence)
	}
	a.stored = append(a.stored, at)
	s.saw(at)
	raise(&s.acknowledged, at)
}

// publishAnswer is the server's answer to a published message or a batch commit.
type publishAnswer struct {
	Error    *apiError `json:"error"`
	Sequence uint64    `json:"seq"`
	Count    int       `json:"count"`
}

// commit sends the message that makes an append final and waits for the answer, no longer than the
// connection lives. nats-server 2.15.2 gives none to a message that it could not write.
func (s *Stream) commit(ctx context.Context, message *nats.Msg) (publishAnswer, error) {
	waiting, cancel := s.broker.bounded(ctx)
	defer cancel()

	var answer publishAnswer
	reply, err := s.broker.conn.RequestMsgWithContext(waiting, message)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			s.refused.Store(&refusal{time.Now(), errNoAnswer})
		}
		if errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrMaxPayload) {
			return answer, classed(err)
		}
		return answer, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return answer, fmt.Errorf("%w: unreadable answer: %w", ErrUnknownOutcome, err)
	}
	if answer.Error == nil {
		return answer, nil
	}
	if answer.Error.Code == codeAtomicDuplicate {
		return answer, errDuplicates
	}
	return answer, answer.Error
}

// awaitReturn waits for the connection: briefly if the sender can simply try again, and for all the
// remaining time if it must be determined what was stored.
func (s *Stream) awaitReturn(ctx context.Context, unknown bool) error {
	if !unknown {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, returnPatience)
		defer cancel()
	}
	return s.broker.awaitConnection(ctx)
}

// awaitConnection returns when the broker is connected, or ctx ends.
func (b *Broker) awaitConnection(ctx context.Context) error {
	for b.conn.Status() != nats.CONNECTED {
		if b.conn.IsClosed() {
			return fmt.Errorf("%w: closed", ErrUnavailable)
		}
		if !pause(ctx, appendPause) {
			return fmt.Errorf("%w: not connected", ErrUnavailable)
		}
	}
	return nil
}

// pause waits, and reports whether ctx is still active.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
