package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// sealedSuffix ends the name of a sealed bucket at the server. Unencrypted values are in a bucket
// without the suffix, which is removed with all its files once they are encrypted.
const sealedSuffix = "_SEALED"

// filled marks, in the metadata of a bucket's stream, that migration is complete. From then on
// nothing is migrated: a bucket that later appears at an old place was not made by Parley.
const filled = "parley-filled"

// fill migrates, once, what an earlier version kept in the log's account, in clear text or under another name.
func (b *Bucket) fill(ctx context.Context, log *Broker, names ...string) error {
	stream, err := b.broker.js.Stream(ctx, "KV_"+b.name)
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	if config.Metadata[filled] != "" {
		return nil
	}
	for _, name := range names {
		if name == "" || log == b.broker && name == b.name {
			continue
		}
		if err := b.takeOver(ctx, log, name); err != nil {
			return fmt.Errorf("move the values of %s: %w", name, err)
		}
	}
	if config.Metadata == nil {
		config.Metadata = make(map[string]string)
	}
	config.Metadata[filled] = "1"
	_, err = b.broker.js.UpdateStream(ctx, config)
	return err
}

// takeOver moves the values of another bucket here, with their remaining lifetime, except for keys
// that exist here, and removes that bucket with its files. A missing one is not an error. It may be
// repeated after an interruption.
func (b *Bucket) takeOver(ctx context.Context, from *Broker, name string) error {
	stream, err := from.js.Stream(ctx, "KV_"+name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	values := make(map[string]*kept) // the last of each key
	for sequence := state.FirstSeq; sequence <= state.LastSeq; {
		m, err := from.message(ctx, "KV_"+name, which{Sequence: sequence, Next: "$KV." + name + ".>"})
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
		sequence = m.Sequence + 1
		values[strings.TrimPrefix(m.Subject, "$KV."+name+".")] = m
	}
	for key, m := range values {
		if m.deletes() {
			continue
		}
		var options []jetstream.KVCreateOpt
		if ttl, err := time.ParseDuration(m.Header.Get(jetstream.MsgTTLHeader)); err == nil {
			options = append(options, jetstream.KeyTTL(max(time.Second, time.Until(m.Time.Add(ttl)).Round(time.Second))))
		}
		err := b.broker.once(ctx, func(ctx context.Context) error {
			_, err := b.kv.Create(ctx, key, b.seal(key, m.Data), options...)
			return err
		})
		if err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
			return err
		}
	}
	if err := from.js.DeleteKeyValue(ctx, name); err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) {
		return err
	}
	return nil
}
