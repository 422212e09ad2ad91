package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

// probeWindow is the number of concurrent probes.
const probeWindow = 1000

// probe asks the server which of the open messages it knows, without storing anything, and settles
// those. repeat reports whether the message at a sequence was stored before this append.
//
// A probe is an empty message with the id in question and a condition that
// cannot hold. The server looks for the id first: it answers with the sequence if it knows the id,
// and otherwise refuses because of the condition. Which condition is checked after the id depends
// on whether the stream is replicated.
func (a *attempt) probe(ctx context.Context, repeat func(schema.Sequence) bool) error {
	s := a.stream
	condition, impossible := headerWantLastID, "?"
	if s.clustered.Load() {
		condition, impossible = headerWantLast, strconv.FormatInt(math.MaxInt64, 10)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()

	conn := s.broker.conn
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox + ".*")
	if err != nil {
		return classed(err)
	}
	defer func() { _ = answers.Unsubscribe() }()

	open := make([]int, 0, len(a.open))
	for begin := 0; begin < len(a.open); begin += probeWindow {
		window := a.open[begin:min(begin+probeWindow, len(a.open))]
		asked := 0
		for n, i := range window {
			if a.messages[i].ID == "" {
				continue
			}
			m := nats.NewMsg(s.subject)
			m.Reply = inbox + "." + strconv.Itoa(n)
			m.Header[headerMessageID] = []string{a.messages[i].ID}
			m.Header[condition] = []string{impossible}
			if err := conn.PublishMsg(m); err != nil {
				return classed(err)
			}
			asked++
		}
		found := make(map[int]schema.Sequence, asked)
		for ; asked > 0; asked-- {
			reply, err := answers.NextMsgWithContext(ctx)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			n, err := strconv.Atoi(reply.Subject[strings.LastIndexByte(reply.Subject, '.')+1:])
			if err != nil || n >= len(window) {
				continue
			}
			var answer publishAnswer
			if err := json.Unmarshal(reply.Data, &answer); err != nil {
				return fmt.Errorf("%w: unreadable answer: %w", ErrUnavailable, err)
			}
			switch {
			case answer.Error == nil && answer.Duplicate:
				found[n] = answer.Sequence
			case answer.Error == nil:
				return fmt.Errorf("the server stored a probe as %d", answer.Sequence)
			case answer.Error.Code == codeWrongLastMsgID, answer.Error.Code == codeWrongLastSeq, answer.Error.Code == codeWrongLastSeqTwo:
				// Not known.
			default:
				return answer.Error
			}
		}
		for n, i := range window {
			if at, known := found[n]; known {
				a.settle(i, Receipt{Sequence: at, Duplicate: repeat(at)})
			} else {
				open = append(open, i)
			}
		}
	}
	a.open = open
	return nil
}
