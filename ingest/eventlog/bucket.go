package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BucketConfig describes a bucket.
type BucketConfig struct {
	Description string
	// MaxValueBytes bounds a value; 0 is the server's limit for a message.
	MaxValueBytes int32
	// Overwrite is for personal data: a value that is replaced or deleted is
	// overwritten on disk. It costs a second write.
	Overwrite bool
	// Sealed keeps the values encrypted with [Options.Secret]. Keys are not.
	Sealed bool
	// Former is the name that the bucket had in an earlier version.
	Former string
}

// Bucket is a small durable map shared by the roles, with a revision for each value. Safe for concurrent use.
//
// Keys consist of the characters A–Z a–z 0–9 - _ / = and the dot, which separates the parts of a
// key: no key begins or ends with one, or has two in a row. Ids from outside have to be encoded,
// for example in hexadecimal.
type Bucket struct {
	broker *Broker
	name   string
	kv     jetstream.KeyValue
	stream jetstream.Stream // with Overwrite
	sealer *sealer          // nil if values are stored in clear text
}

// Bucket opens a bucket, and waits for a server that can until ctx ends. It creates a missing one, with the values that an earlier version kept in
// the log's account or in clear text. The name consists of A–Z a–z 0–9 - and _.
func (b *Broker) Bucket(ctx context.Context, name string, config BucketConfig) (*Bucket, error) {
	bucket := &Bucket{broker: b.vault, name: name}
	if config.Sealed && b.sealer != nil {
		bucket.sealer, bucket.name = b.sealer, name+sealedSuffix
	}
	said := false
	err := Retry(ctx, func() error {
		err := b.options.copies(classed(bucket.ready(ctx, b, name, config)))
		if errors.Is(err, ErrUnavailable) && !said && ctx.Err() == nil {
			b.log.Warn("a bucket cannot be opened yet; retrying", "bucket", name, "error", err)
			said = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("eventlog: bucket %s: %w", name, err)
	}
	return bucket, nil
}

// ready opens the bucket. It may be repeated after an error.
func (b *Bucket) ready(ctx context.Context, log *Broker, name string, config BucketConfig) error {
	err := b.make(ctx, config)
	if err == nil {
		err = b.fill(ctx, log, name, config.Former)
	}
	if err == nil && config.Overwrite {
		err = b.sweep(ctx)
	}
	return err
}

// make opens the bucket, which may be new.
func (b *Bucket) make(ctx context.Context, config BucketConfig) error {
	js := b.broker.js
	kv, err := js.KeyValue(ctx, b.name)
	if errors.Is(err, jetstream.ErrBucketNotFound) && config.Overwrite {
		kv, err = b.broker.makeOverwriting(ctx, b.name, config)
	} else if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:       b.name,
			Description:  config.Description,
			MaxValueSize: config.MaxValueBytes,
			History:      1,
			Storage:      jetstream.FileStorage,
			Replicas:     max(1, b.broker.options.Replicas),
			// Lets single keys expire; watchers are notified.
			LimitMarkerTTL: time.Minute,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // another process created it first
			kv, err = js.KeyValue(ctx, b.name)
		}
	}
	b.kv = kv
	return err
}

// seal returns a value in its stored form.
func (b *Bucket) seal(key string, value []byte) []byte {
	if b.sealer == nil {
		return value
	}
	return b.sealer.seal(b.name, key, value)
}

// open returns a value as it was put, from its stored form.
func (b *Bucket) open(key string, kept []byte) ([]byte, error) {
	if b.sealer == nil {
		return kept, nil
	}
	value, err := b.sealer.open(b.name, key, kept)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", b.name, err)
	}
	return value, nil
}

// Get reads a value; [ErrNotFound] if there is none.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := b.get(ctx, key)
	return value, err
}

// get reads a value and its revision.
func (b *Bucket) get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	m, err := b.broker.message(ctx, "KV_"+b.name, b.latest(key))
	switch {
	case err != nil:
		return nil, 0, err
	case m.deletes():
		return nil, 0, fmt.Errorf("%w: key %s", ErrNotFound, key)
	}
	value, err = b.open(key, m.Data)
	return value, m.Sequence, err
}

// latest names the message of a key's value.
func (b *Bucket) latest(key string) which { return which{Last: "$KV." + b.name + "." + key} }

// Put writes a value if the key still has the revision given, 0 meaning that
// it does not exist, and returns the new one; [ErrConflict] otherwise. After
// [ErrUnknownOutcome] the value may have been written: read it again.
func (b *Bucket) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	var next uint64
	var err error
	if revision == 0 {
		next, err = b.kv.Create(ctx, key, b.seal(key, value))
	} else {
		next, err = b.kv.Update(ctx, key, b.seal(key, value), revision)
	}
	if err == nil && b.stream != nil && revision != 0 {
		// The next sweep finds what an error leaves behind here.
		if err := b.overwrite(ctx, revision); err != nil {
			b.broker.log.Warn("a replaced value has not been overwritten yet", "bucket", b.name, "error", err)
		}
	}
	return next, classedWrite(err)
}

// maxUpdates bounds the attempts of one [Bucket.Update]. An attempt fails only because another
// writer succeeded, so many concurrent writers of one key get through; after that many attempts the
// caller has to retry.
const maxUpdates = 100

// Update reads a value, calls change to compute the next one, and writes it if no other writer was
// faster; otherwise it starts over with the value that one wrote. before is nil if there is no
// value. Nothing is written if change returns nil or the present value. An error of change ends the
// update and is returned unchanged; after too many attempts the error is [ErrConflict].
//
// change may be called several times: its result must depend only on its argument. After
// [ErrUnknownOutcome] the value may have been written.
func (b *Bucket) Update(ctx context.Context, key string, change func(before []byte) ([]byte, error)) error {
	for attempt := 1; ; attempt++ {
		before, revision, err := b.get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			before = nil
		case err != nil:
			return err
		case before == nil:
			before = []byte{}
		}
		after, err := change(before)
		if err != nil || after == nil || before != nil && bytes.Equal(before, after) {
			return err
		}
		_, err = b.Put(ctx, key, after, revision)
		if !errors.Is(err, ErrConflict) || attempt == maxUpdates {
			return err
		}
		// Random pauses keep the same writers from colliding again.
		if !pause(ctx, rand.N(time.Duration(min(attempt, 20))*time.Millisecond)) {
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
}

// PutTTL writes a value unconditionally, and lets it expire after ttl (in whole seconds, at least one).
func (b *Bucket) PutTTL(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	ttl = max(ttl, time.Second).Round(time.Second)
	message := &nats.Msg{Subject: "$KV." + b.name + "." + key, Data: b.seal(key, value)}
	_, err := b.broker.js.PublishMsg(ctx, message, jetstream.WithMsgTTL(ttl))
	return classedWrite(err)
}

// Delete removes a key; a missing one is not an error.
func (b *Bucket) Delete(ctx context.Context, key string) error { return b.remove(ctx, key) }

// Forget is [Bucket.Delete] for keys that are never used again: within minutes it
// also removes the marker that notifies watchers of the deletion. A watcher that was
// disconnected for longer is not notified.
func (b *Bucket) Forget(ctx context.Context, key string) error {
	return b.remove(ctx, key, jetstream.PurgeTTL(markerTTL))
}

// markerTTL is how long the marker of a forgotten key stays.
const markerTTL = time.Minute

func (b *Bucket) remove(ctx context.Context, key string, options ...jetstream.KVDeleteOpt) error {
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	if b.stream != nil {
		m, err := b.broker.message(ctx, "KV_"+b.name, b.latest(key))
		if errors.Is(err, ErrNotFound) || err == nil && m.deletes() {
			return nil
		}
		if err == nil {
			err = b.overwrite(ctx, m.Sequence)
		}
		if err != nil {
			return classedWrite(err)
		}
	}
	return classedWrite(b.kv.Purge(ctx, key, options...))
}

// Keys returns all keys under a prefix (see [Bucket.List]).
func (b *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	pattern, err := prefixPattern(prefix)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	lister, err := b.kv.ListKeysFiltered(ctx, pattern)
	if err != nil {
		return nil, classedReader(err)
	}
	var keys []string
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	return keys, classed(ctx.Err())
}

// List reads all keys under a prefix, which is empty (all keys) or ends in a dot.
func (b *Bucket) List(ctx context.Context, prefix string) (map[string][]byte, error) {
	pattern, err := prefixPattern(prefix)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	watch, err := b.kv.Watch(ctx, pattern, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, classedReader(err)
	}
	defer func() { _ = watch.Stop() }()
	values := make(map[string][]byte)
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case entry, open := <-watch.Updates():
			if !open {
				return nil, fmt.Errorf("%w: the watch ended", ErrUnavailable)
			}
			if entry == nil { // all present values have been sent
				return values, nil
			}
			if values[entry.Key()], err = b.open(entry.Key(), entry.Value()); err != nil {
				return nil, err
			}
		}
	}
}

// Watch calls do for every key under a prefix (see [Bucket.List]) as it is now,
// and then for each change in order, until ctx ends, which is not an error. The
// value is nil if the key was deleted or has expired. After a lost connection, do is called again
// for all keys as they are then.
func (b *Bucket) Watch(ctx context.Context, prefix string, do func(key string, value []byte)) error {
	pattern, err := prefixPattern(prefix)
	if err != nil {
		return err
	}
	for {
		err := b.watch(ctx, pattern, do)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, ErrUnavailable) {
			return err
		}
		// The watch ended with its connection.
		if !pause(ctx, appendPause) || b.broker.awaitConnection(ctx) != nil {
			return nil
		}
	}
}

// watch runs until its connection ends.
func (b *Bucket) watch(ctx context.Context, pattern string, do func(key string, value []byte)) error {
	link := b.broker.link()
	watch, err := b.kv.Watch(ctx, pattern) // bounds its own requests
	if err != nil {
		return classedReader(err)
	}
	defer func() { _ = watch.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-link.Done():
			return nil
		case entry, open := <-watch.Updates():
			switch {
			case !open:
				return fmt.Errorf("%w: the watch ended", ErrUnavailable)
			case entry == nil: // between the present values and the changes
			case entry.Operation() != jetstream.KeyValuePut:
				do(entry.Key(), nil)
			default:
				value, err := b.open(entry.Key(), entry.Value())
				if err != nil {
					return err
				}
				if value == nil {
					value = []byte{}
				}
				do(entry.Key(), value)
			}
		}
	}
}

func prefixPattern(prefix string) (string, error) {
	if prefix == "" {
		return jetstream.AllKeys, nil
	}
	key, ok := strings.CutSuffix(prefix, ".")
	if !ok {
		return "", errors.New("prefix: must be empty or end in a dot")
	}
	return prefix + ">", checkKey(key)
}

func checkKey(key string) error {
	before := byte('.')
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_/=", c) >= 0:
		case c == '.' && before != '.':
		default:
			return errors.New("key: must consist of letters, digits, - _ / = and single dots between them")
		}
		before = c
	}
	if before == '.' {
		return errors.New("key: must not be empty or end in a dot")
	}
	return nil
}
