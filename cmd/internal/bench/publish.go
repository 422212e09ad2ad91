package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// rawStream is where the floors of the lines a and b go: a stream like that of
// events, written by the client library alone.
type rawStream struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

const rawSubject = "bench.raw"

func (r *rig) raw(ctx context.Context) (*rawStream, error) {
	user := r.credentials.NATS.Log
	conn, err := nats.Connect(r.nats.URL(), nats.UserInfo(user.Name, user.Password), nats.InProcessServer(r.nats.InProcess()))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "BENCH_RAW", Subjects: []string{rawSubject}, Storage: jetstream.FileStorage, AllowAtomicPublish: true,
		})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &rawStream{conn, js}, nil
}

// publish stores payloads as one atomic batch.
func (s *rawStream) publish(ctx context.Context, payloads [][]byte) error {
	id := strconv.FormatUint(rand.Uint64(), 36)
	for i, payload := range payloads {
		m := &nats.Msg{Subject: rawSubject, Data: payload, Header: nats.Header{
			"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(i + 1)},
		}}
		if i < len(payloads)-1 {
			if err := s.conn.PublishMsg(m); err != nil {
				return err
			}
			continue
		}
		m.Header["Nats-Batch-Commit"] = []string{"1"}
		reply, err := s.conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		var answer struct {
			Error *struct{ Description string }
			Count int
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return err
		}
		if answer.Error != nil {
			return errors.New(answer.Error.Description)
		}
		if answer.Count != len(payloads) {
			return fmt.Errorf("%d of %d messages were stored", answer.Count, len(payloads))
		}
	}
	return nil
}

// publishOne stores a payload and waits for the answer.
func (s *rawStream) publishOne(ctx context.Context, payload []byte) error {
	_, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: rawSubject, Data: payload})
	return err
}

// together has workers do all the jobs, and returns how long each took, and all
// together.
func together(ctx context.Context, workers, jobs int, do func(ctx context.Context, job int) error) (each []float64, all time.Duration, err error) {
	each = make([]float64, jobs)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range workers {
		group.Go(func() error {
			for {
				job := int(next.Add(1)) - 1
				if job >= jobs {
					return nil
				}
				from := time.Now()
				if err := do(ctx, job); err != nil {
					return err
				}
				each[job] = time.Since(from).Seconds() * 1000
			}
		})
	}
	err = group.Wait()
	return each, time.Since(began), err
}
