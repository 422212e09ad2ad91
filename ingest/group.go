package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// Log stores events.
//
// Append stores the messages durably, in order, and returns a receipt for each; a duplicate message
// id is not stored again, and its receipt names the first. After an error none of them counts as
// stored; those that were stored nevertheless are recognised as duplicates when they are sent
// again. Calls may run concurrently.
type Log interface {
	Append(ctx context.Context, messages []eventlog.Message) ([]eventlog.Receipt, error)
}

// submission is the messages of one request.
type submission struct {
	messages []eventlog.Message
	done     chan<- outcome
}

type outcome struct {
	receipts []eventlog.Receipt
	err      error
}

// group combines the submissions of requests: one append runs at a time, and what is submitted
// meanwhile is combined into the next one. So a single request does not wait for others, and many
// small ones share the cost of one flush.
type group struct {
	log     Log
	limit   int // events of an append with more than one submission
	timeout time.Duration
	metrics *appendMetrics

	queue chan submission
	ended sync.WaitGroup
}

// newGroup starts appending; close ends it.
func newGroup(log Log, limit int, timeout time.Duration, metrics *appendMetrics) *group {
	g := &group{log: log, limit: limit, timeout: timeout, metrics: metrics, queue: make(chan submission, groupQueue)}
	g.ended.Go(g.run)
	return g
}

// groupQueue is the capacity of the queue; beyond it senders wait too.
const groupQueue = 1024

// append submits the messages and waits for the result.
func (g *group) append(messages []eventlog.Message) ([]eventlog.Receipt, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	done := make(chan outcome, 1)
	g.queue <- submission{messages, done}
	o := <-done
	return o.receipts, o.err
}

// close waits until everything submitted is done. Nothing may be submitted any more.
func (g *group) close() {
	close(g.queue)
	g.ended.Wait()
}

func (g *group) run() {
	var next submission // taken from the queue, but too large for the previous batch
	var held bool
	for {
		if !held {
			var open bool
			if next, open = <-g.queue; !open {
				return
			}
		}
		batch, events := []submission{next}, len(next.messages)
		next, held = submission{}, false
		for waiting := true; waiting && events < g.limit; {
			select {
			case s, open := <-g.queue:
				switch {
				case !open:
					waiting = false
				case events+len(s.messages) > g.limit:
					next, held, waiting = s, true, false
				default:
					batch, events = append(batch, s), events+len(s.messages)
				}
			default:
				waiting = false
			}
		}
		g.write(batch, events)
	}
}

// write appends a batch. If it is refused for a reason that a single submission may have caused,
// each of them is appended alone.
func (g *group) write(batch []submission, events int) {
	messages := batch[0].messages
	if len(batch) > 1 {
		messages = make([]eventlog.Message, 0, events)
		for _, s := range batch {
			messages = append(messages, s.messages...)
		}
	}
	receipts, err := g.store(messages)
	if err != nil && len(batch) > 1 && !errors.Is(err, eventlog.ErrUnavailable) {
		for _, s := range batch {
			g.write([]submission{s}, len(s.messages))
		}
		return
	}
	for _, s := range batch {
		if err != nil {
			s.done <- outcome{err: err}
			continue
		}
		s.done <- outcome{receipts: receipts[:len(s.messages):len(s.messages)]}
		receipts = receipts[len(s.messages):]
	}
}

func (g *group) store(messages []eventlog.Message) ([]eventlog.Receipt, error) {
	// Not a request's context: a submission is finished even if its sender has disconnected.
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	begin := time.Now()
	receipts, err := g.log.Append(ctx, messages)
	g.metrics.observe(len(messages), time.Since(begin), err)
	return receipts, err
}
