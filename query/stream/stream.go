package stream

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// stream is one connection of a reader.
type stream struct {
	handler *Handler
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	caller  schema.Caller
	scope   schema.Projects
	view    *view
	at      Position // the last one sent
	begun   bool
}

// serve sends changes until either side ends it, from behind a position on. Errors after the first byte end the connection, and the
// client goes on with a new one.
func (s *stream) serve(ctx context.Context, given *Position) error {
	h := s.handler
	leave, ok := h.enter(s.caller.ID)
	if !ok {
		return &refusal{http.StatusTooManyRequests, codeThrottled, "too many streams are open: try again later"}
	}
	defer leave()
	live, err := h.config.Tables.Live(ctx)
	if err != nil {
		return err
	}
	s.at = whole(live.Position)
	if given != nil {
		s.at = *given
	}
	one := h.hubs[s.view.table]
	reader, from := one.join(live.Position)
	defer one.leave(reader)
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // by proxies
	s.begun = true
	if err := s.note(""); err != nil {
		return err
	}
	if err := s.catchUp(ctx, live.Projection, from); err != nil {
		return err
	}
	return s.follow(ctx, reader)
}

// catchUp sends what has changed up to a sequence.
func (s *stream) catchUp(ctx context.Context, projection uint32, upTo schema.Sequence) error {
	if len(s.scope.IDs) == 0 && !s.scope.All {
		return nil
	}
	after := s.at.Sequence
	if s.at.Compare(whole(after)) < 0 && after > 0 {
		after-- // some rows of this sequence are still to come
	}
	for after < upTo {
		b, err := page(ctx, s.handler.config.Tables, s.view.table, query.Scope{Projection: projection, Projects: s.scope}, after, upTo)
		if err == nil {
			err = s.send(ctx, b)
		}
		if err != nil {
			return err
		}
		after = b.upTo
	}
	return nil
}

// follow sends what the hub reads.
func (s *stream) follow(ctx context.Context, from *reader) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.handler.closing:
			return nil
		case <-beat.C:
			if _, err := s.handler.authenticate(s.r); err != nil {
				return err
			}
			if err := s.note(""); err != nil {
				return err
			}
		case b, more := <-from.batches:
			if !more {
				return s.note(" too slow: go on from here")
			}
			if err := s.send(ctx, b); err != nil {
				return err
			}
		}
	}
}

// send writes the changes of a batch that are the reader's and behind its position.
func (s *stream) send(ctx context.Context, b batch) error {
	events, err := s.view.of(ctx, b)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	for _, e := range events {
		if e.at.Compare(s.at) > 0 && s.scope.Contains(e.project) {
			s.at = e.at
			text.Write(e.text)
		}
	}
	if end := whole(b.upTo); end.Compare(s.at) > 0 {
		s.at = end // said with the next change or heartbeat
	}
	if text.Len() == 0 {
		return nil
	}
	return s.write(text.Bytes())
}

// note writes a comment and the position: an id without data, which a client keeps without telling anybody.
func (s *stream) note(comment string) error {
	at := s.at
	if at.Compare(whole(at.Sequence)) == 0 {
		at.Part = 0
	}
	return s.write([]byte(":" + comment + "\nid: " + at.String() + "\n\n"))
}

func (s *stream) write(text []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime)) // writers without deadlines (in tests) wait as long as it takes
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
