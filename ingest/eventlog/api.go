package eventlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// api is the API of JetStream. An answer may be lost, with the connection or with the cluster's server that owed it. The client then
// waits until its context ends, which may be minutes or never. So each request has a timeout, and requests that change nothing are sent again.
type api struct {
	jetstream.JetStream
	broker *Broker
}

// Stream asks for a stream.
func (a api) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return askFor(ctx, a.broker, func(ctx context.Context) (jetstream.Stream, error) { return a.JetStream.Stream(ctx, name) })
}

// KeyValue asks for a bucket.
func (a api) KeyValue(ctx context.Context, name string) (jetstream.KeyValue, error) {
	return askFor(ctx, a.broker, func(ctx context.Context) (jetstream.KeyValue, error) { return a.JetStream.KeyValue(ctx, name) })
}

// CreateStream makes a stream.
func (a api) CreateStream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := a.broker.bounded(ctx)
	defer cancel()
	return a.JetStream.CreateStream(ctx, config)
}

// UpdateStream changes the settings of a stream.
func (a api) UpdateStream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := a.broker.bounded(ctx)
	defer cancel()
	return a.JetStream.UpdateStream(ctx, config)
}

// CreateKeyValue makes a bucket.
func (a api) CreateKeyValue(ctx context.Context, config jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	ctx, cancel := a.broker.bounded(ctx)
	defer cancel()
	return a.JetStream.CreateKeyValue(ctx, config)
}

// DeleteKeyValue removes a bucket.
func (a api) DeleteKeyValue(ctx context.Context, name string) error {
	ctx, cancel := a.broker.bounded(ctx)
	defer cancel()
	return a.JetStream.DeleteKeyValue(ctx, name)
}

// PublishMsg publishes a message.
func (a api) PublishMsg(ctx context.Context, message *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ctx, cancel := a.broker.bounded(ctx)
	defer cancel()
	return a.JetStream.PublishMsg(ctx, message, options...)
}

// askFor asks until there is an answer, each time for twice as long, so that a slow server is heard too.
func askFor[T any](ctx context.Context, b *Broker, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := b.bounded(ctx)
	defer cancel()
	for wait := askAgain; ; wait *= 2 {
		next, stop := context.WithTimeout(ctx, wait)
		answer, err := ask(next)
		stop()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return answer, err
		}
	}
}

// once sends one request of a stream or a bucket with a timeout: by itself it would wait until ctx ends.
func (b *Broker) once(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := b.bounded(ctx)
	defer cancel()
	return do(ctx)
}
