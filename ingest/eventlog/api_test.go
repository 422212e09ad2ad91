package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// forgetful connects to a server without JetStream, in whose place another client answers requests, from the given one on.
func forgetful(t *testing.T, from int64, answers map[string]string) (b *Broker, asked *atomic.Int64) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server is not ready")
	}
	other, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	asked = new(atomic.Int64)
	_, err = other.Subscribe("$JS.API.>", func(m *nats.Msg) {
		answer := answers[strings.TrimPrefix(m.Subject, "$JS.API.")]
		if asked.Add(1) >= from && answer != "" {
			_ = m.Respond([]byte(answer))
		}
	})
	if err == nil {
		err = other.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	if b, err = newBroker(Options{URL: s.ClientURL()}); err == nil {
		err = b.connect(testContext(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.conn.Close)
	return b, asked
}

// infoOf is an answer about a stream.
func infoOf(name string) string {
	return fmt.Sprintf(`{"type":"io.nats.jetstream.api.v1.stream_info_response","config":{"name":%q,"max_msgs_per_subject":1},"state":{}}`, name)
}

// TestALostAnswerIsAskedForAgain loses the first answer, as a cluster does whose leader has died, though the caller has minutes.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string]string
		ask     func(context.Context, *Broker) error
	}{
		"stream": {map[string]string{"STREAM.INFO.S": infoOf("S")}, func(ctx context.Context, b *Broker) error {
			_, err := b.js.Stream(ctx, "S")
			return err
		}},
		"bucket": {map[string]string{"STREAM.INFO.KV_B": infoOf("KV_B")}, func(ctx context.Context, b *Broker) error {
			_, err := b.js.KeyValue(ctx, "B")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, asked := forgetful(t, 2, c.answers)
			if err := c.ask(testContext(t), b); err != nil || asked.Load() != 2 {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
		})
	}
}

// TestNoRequestWaitsIndefinitely makes requests that change something, which nobody answers: they are made once, and fail long before the caller's time is up.
func TestNoRequestWaitsIndefinitely(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func(context.Context, *Broker) error{
		"make a stream": func(ctx context.Context, b *Broker) error {
			_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: "S"})
			return err
		},
		"change a stream": func(ctx context.Context, b *Broker) error {
			_, err := b.js.UpdateStream(ctx, jetstream.StreamConfig{Name: "S"})
			return err
		},
		"make a bucket": func(ctx context.Context, b *Broker) error {
			_, err := b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "B"})
			return err
		},
		"remove a bucket": func(ctx context.Context, b *Broker) error { return b.js.DeleteKeyValue(ctx, "B") },
		"purge": func(ctx context.Context, b *Broker) error {
			return b.once(ctx, func(ctx context.Context) error {
				_, err := b.conn.RequestWithContext(ctx, "$JS.API.STREAM.PURGE.S", nil)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			b, asked := forgetful(t, 1, nil)
			if err := classed(request(ctx, b)); !errors.Is(err, ErrUnavailable) || asked.Load() > 1 {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
			deadline, _ := ctx.Deadline()
			if left := time.Until(deadline); left < patience/2 {
				t.Errorf("it took all but %s", left)
			}
		})
	}
}
