package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// makeOverwriting creates a bucket whose stream allows erasing single messages, which key-value
// buckets otherwise forbid. It keeps the previous value until it is overwritten: the server would
// only drop the reference to it.
func (b *Broker) makeOverwriting(ctx context.Context, name string, config BucketConfig) (jetstream.KeyValue, error) {
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:                   "KV_" + name,
		Description:            config.Description,
		Subjects:               []string{"$KV." + name + ".>"},
		MaxMsgsPerSubject:      2,
		MaxMsgSize:             config.MaxValueBytes,
		Storage:                jetstream.FileStorage,
		Replicas:               max(1, b.options.Replicas),
		Discard:                jetstream.DiscardNew,
		AllowRollup:            true,
		AllowDirect:            true,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: time.Minute,
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, err
	}
	return b.js.KeyValue(ctx, name)
}

// sweep overwrites the values that were replaced by a process that ended before
// it could.
func (b *Bucket) sweep(ctx context.Context) error {
	stream, err := b.broker.js.Stream(ctx, "KV_"+b.name)
	if err != nil {
		return classed(err)
	}
	b.stream = stream
	state := stream.CachedInfo().State
	if state.Msgs <= state.NumSubjects {
		return nil
	}
	latest := make(map[string]uint64)
	for at := state.FirstSeq; at <= state.LastSeq; {
		message, err := b.broker.message(ctx, "KV_"+b.name, which{Sequence: at, Next: ">"})
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
		if before := latest[message.Subject]; before != 0 {
			if err := b.overwrite(ctx, before); err != nil {
				return classed(err)
			}
		}
		latest[message.Subject], at = message.Sequence, message.Sequence+1
	}
	return nil
}

// overwrite erases the value of a revision; a missing one is not an error.
func (b *Bucket) overwrite(ctx context.Context, revision uint64) error {
	err := b.broker.once(ctx, func(ctx context.Context) error { return b.stream.SecureDeleteMsg(ctx, revision) })
	if err == nil {
		return nil
	}
	if _, missing := b.broker.message(ctx, "KV_"+b.name, which{Sequence: revision}); errors.Is(missing, ErrNotFound) {
		return nil
	}
	return err
}
