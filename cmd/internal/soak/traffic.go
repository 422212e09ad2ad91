package soak

import (
	"bytes"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// sender posts the events of its seed, in order, each until it is acknowledged.
type sender struct {
	instance *instance
	number   int
	seed     uint64
	pace     time.Duration // between two requests
	most     int64         // events acknowledged, after which it sends no more; 0 for no limit

	gate  *sync.RWMutex // held for writing while senders pause
	base  func() string // where serve listens now
	key   map[string]string
	acked atomic.Int64
	again atomic.Int64 // requests sent again

	mu         sync.Mutex
	keys       map[schema.EventKey]bool // acknowledged
	unreadable map[string]bool          // messages that are no events, acknowledged
}

// run sends until stop is closed.
func (s *sender) run(stop <-chan struct{}) {
	dice := foldtest.Seeded(s.seed)
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for stream := 0; ; stream++ {
		events := foldtest.Stream(dice, 20+dice.IntN(60))
		// Each stream has projects of its own, so that conversations stay small; now
		// and then one adds to the conversations of an earlier one.
		number := stream
		if dice.IntN(5) == 0 {
			number = dice.IntN(stream + 1)
		}
		for len(events) > 0 {
			n := min(len(events), 1+dice.IntN(200))
			if !s.deliver(client, stop, events[:n], schema.ProjectID(1000*s.number+4*number)) {
				return
			}
			events = events[n:]
		}
	}
}

// deliver sends a request until it is acknowledged.
func (s *sender) deliver(client *http.Client, stop <-chan struct{}, events []schema.Event, offset schema.ProjectID) bool {
	var body bytes.Buffer
	keys := make([]schema.EventKey, len(events))
	for i := range events {
		event := events[i]
		foldtest.MoveTo(&event, event.Project+offset)
		keys[i] = event.Key()
		body.Write(schema.Encode(&event))
		body.WriteByte('\n')
	}
	for {
		select {
		case <-stop:
			return false
		case <-time.After(s.pace):
		}
		if s.most > 0 && s.acked.Load() >= s.most {
			continue
		}
		s.gate.RLock()
		err := s.instance.post(client, s.base(), s.key, body.Bytes())
		if err == nil {
			s.note(keys)
		}
		s.gate.RUnlock()
		if err == nil {
			return true
		}
		s.again.Add(1)
	}
}

func (s *sender) note(keys []schema.EventKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		s.keys[key] = true
	}
	s.acked.Add(int64(len(keys)))
}
