package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
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

	headerMessageID  = nats.MsgIdHdr
	headerBatchID    = "Nats-Batch-Id"
	headerBatchSeq   = "Nats-Batch-Sequence"
	headerBatchEnd   = "Nats-Batch-Commit"
	headerWantLastID = nats.ExpectedLastMsgIdHdr
	headerWantLast   = nats.ExpectedLastSeqHdr
)

// errDuplicates is the server's refusal of a batch that contains an id it knows.
var errDuplicates = errors.New("the batch contains a known message id")

// errBatchLimit is the server's refusal of a batch with too many messages.
var errBatchLimit = errors.New("the batch has more messages than the server accepts")

// Append stores messages durably and in order, and returns a receipt for each. They are on disk
// when it returns (if the server syncs always).
//
// All new messages are stored as one atomic batch. A duplicate message id is recognised within the
// call, among the ids remembered in this process, and in the server's window; it is not stored, and
// its receipt has the sequence of the first.
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

	for pieces := 0; len(fresh) > 0; pieces++ {
		length := min(len(fresh), int(s.batchLimit.Load()))
		a := attempt{stream: s, messages: messages, receipts: receipts, open: fresh[:length:length]}
		err := a.run(ctx)
		if errors.Is(err, errBatchLimit) {
			pieces-- // nothing was stored
			continue
		}
		if err != nil {
			var answered *apiError
			if errors.As(err, &answered) && !errors.Is(err, ErrTooLarge) {
				s.refused.Store(&refusal{time.Now(), err})
			}
			if pieces > 0 && !errors.Is(err, ErrUnknownOutcome) {
				err = fmt.Errorf("%w: batches before this one are stored: %w", ErrUnknownOutcome, err)
			}
			return nil, fmt.Errorf("append to %s: %w", s.name, err)
		}
		s.refused.Store(nil)
		fresh = fresh[length:]
	}
	for i, earlier := range repeats {
		receipts[i] = Receipt{Sequence: receipts[earlier].Sequence, Duplicate: true}
	}
	return receipts, nil
}

// attempt stores one batch in the stream, with several tries if necessary.
type attempt struct {
	stream   *Stream
	messages []Message
	receipts []Receipt
	open     []int // indexes of the messages without a receipt
	filler   bool  // they only occupy sequences, see Stream.fill
}

func (a *attempt) run(ctx context.Context) error {
	s := a.stream
	before := schema.Sequence(s.highest.Load())
	unknown := false // this attempt's messages may be stored
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
			// Another process has stored some of them, or this one before it was restarted.
			err = a.probe(ctx, func(at schema.Sequence) bool { return !unknown || at <= before })
		case errors.Is(err, ErrUnknownOutcome):
			unknown = true
			if err = s.broker.awaitConnection(ctx); err == nil {
				// Messages found above the earlier last sequence are taken for this attempt's own.
				err = a.probe(ctx, func(at schema.Sequence) bool { return at <= before })
			}
		case errors.Is(err, ErrFull) && len(a.open) > 1:
			// The server checks its limits before it stores a batch, but may still reach one in the middle.
			unknown = unknown || a.partlyStored(ctx, before)
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

// partlyStored reports whether the log contains a message of the attempt that was not there before,
// or whether that cannot be determined.
func (a *attempt) partlyStored(ctx context.Context, before schema.Sequence) bool {
	s := a.stream
	if s.learn(ctx, before) != nil {
		return true
	}
	for _, i := range a.open {
		if at, known := s.recent.find(a.messages[i].ID); known && at > before {
			return true
		}
	}
	return false
}

// doubt records that messages of an append may be stored above a sequence although this process
// does not know their ids.
func (s *Stream) doubt(above schema.Sequence) {
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
	if err := s.learn(ctx, s.doubtAbove); err != nil {
		return fmt.Errorf("check what was stored before: %w", err)
	}
	s.doubtful = false
	return nil
}

// publish sends the open messages: a single one as it is, several as an atomic batch.
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
		message := a.header(a.open[0])
		answer, err := s.commit(ctx, message)
		if err != nil {
			return err
		}
		a.settle(a.open[0], Receipt{Sequence: answer.Sequence, Duplicate: answer.Duplicate})
		a.open = nil
		return nil
	}

	batch := strconv.FormatUint(rand.Uint64(), 36)
	var answer publishAnswer
	for n, i := range a.open {
		message := a.header(i)
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
	begin := answer.Sequence - schema.Sequence(len(a.open)) + 1
	for n, i := range a.open {
		a.settle(i, Receipt{Sequence: begin + schema.Sequence(n)})
	}
	a.open = nil
	return nil
}

func (a *attempt) header(i int) *nats.Msg {
	m := &nats.Msg{Subject: a.stream.subject, Header: make(nats.Header, 4), Data: a.messages[i].Payload}
	if id := a.messages[i].ID; id != "" {
		m.Header[headerMessageID] = []string{id}
	}
	if a.filler {
		m.Header[headerFiller] = []string{"1"}
	} else {
		m.Header[headerSum] = []string{sum(m.Data)}
	}
	return m
}

func (a *attempt) settle(i int, r Receipt) {
	a.receipts[i] = r
	a.stream.recent.add(a.messages[i].ID, r.Sequence)
	a.stream.saw(r.Sequence)
	raise(&a.stream.acknowledged, r.Sequence)
}

// publishAnswer is the server's answer to a published message or a batch commit.
type publishAnswer struct {
	Error     *apiError       `json:"error"`
	Sequence  schema.Sequence `json:"seq"`
	Duplicate bool            `json:"duplicate"`
	Count     int             `json:"count"`
}

// commit sends the message that makes an append final and waits for the answer,
// no longer than the connection lives.
func (s *Stream) commit(ctx context.Context, message *nats.Msg) (publishAnswer, error) {
	ctx, cancel := s.broker.bounded(ctx)
	defer cancel()

	var answer publishAnswer
	reply, err := s.broker.conn.RequestMsgWithContext(ctx, message)
	if err != nil {
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
	switch answer.Error.Code {
	case codeAtomicDuplicate:
		return answer, errDuplicates
	case codeAtomicTooLarge:
		// "atomic publish batch is too large: 1000" contains the server's limit.
		limit := int64(0)
		for _, c := range answer.Error.Description {
			if c >= '0' && c <= '9' {
				limit = limit*10 + int64(c-'0')
			}
		}
		if now := s.batchLimit.Load(); limit <= 0 || limit >= now {
			limit = max(1, now/2)
		}
		s.batchLimit.Store(limit)
		return answer, errBatchLimit
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
