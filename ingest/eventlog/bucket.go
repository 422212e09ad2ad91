package eventlog

import (
	"context"
	"errors"
	"fmt"
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
}

// Bucket is a small durable map that roles share, with a revision for each
// value. Safe for concurrent use.
//
// Keys consist of the characters A–Z a–z 0–9 - _ / = and the point, which
// separates the parts of a key: no key begins or ends with one, or has two in a
// row. Ids from outside have to be encoded, for example in hexadecimal.
type Bucket struct {
	broker *Broker
	name   string
	kv     jetstream.KeyValue
	stream jetstream.Stream // with Overwrite
}

// Bucket opens a bucket, and makes it where it does not exist yet. The name
// consists of A–Z a–z 0–9 - and _.
func (b *Broker) Bucket(ctx context.Context, name string, config BucketConfig) (*Bucket, error) {
	kv, err := b.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) && config.Overwrite {
		kv, err = b.makeOverwriting(ctx, name, config)
	} else if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:       name,
			Description:  config.Description,
			MaxValueSize: config.MaxValueBytes,
			History:      1,
			Storage:      jetstream.FileStorage,
			Replicas:     max(1, b.options.Replicas),
			// Lets single keys expire; a watcher hears of it.
			LimitMarkerTTL: time.Minute,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // somebody else was faster
			kv, err = b.js.KeyValue(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("eventlog: bucket %s: %w", name, classed(err))
	}
	bucket := &Bucket{broker: b, name: name, kv: kv}
	if config.Overwrite {
		if err := bucket.sweep(ctx); err != nil {
			return nil, fmt.Errorf("eventlog: bucket %s: %w", name, err)
		}
	}
	return bucket, nil
}

// Get reads a value and its revision; [ErrNotFound] where there is none.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	entry, err := b.kv.Get(ctx, key)
	if err != nil {
		return nil, 0, classed(err)
	}
	return entry.Value(), entry.Revision(), nil
}

// Put writes a value if the key still has the revision given, 0 meaning that
// it does not exist, and gives the new one; [ErrConflict] otherwise. After
// [ErrUnknownOutcome] the value may have been written: read it again.
func (b *Bucket) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	var next uint64
	var err error
	if revision == 0 {
		next, err = b.kv.Create(ctx, key, value)
	} else {
		next, err = b.kv.Update(ctx, key, value, revision)
	}
	if err == nil && b.stream != nil && revision != 0 {
		// What is left behind by an error here is found by the next sweep.
		if err := b.overwrite(ctx, revision); err != nil {
			b.broker.log.Warn("a replaced value is not overwritten yet", "bucket", b.name, "error", err)
		}
	}
	return next, classedWrite(err)
}

// PutTTL writes a value whatever is there, and lets it expire after ttl (in
// whole seconds, at least one).
func (b *Bucket) PutTTL(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	ttl = max(ttl, time.Second).Round(time.Second)
	message := &nats.Msg{Subject: "$KV." + b.name + "." + key, Data: value}
	_, err := b.broker.js.PublishMsg(ctx, message, jetstream.WithMsgTTL(ttl))
	return classedWrite(err)
}

// Delete removes a key; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	if b.stream != nil {
		entry, err := b.kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		if err == nil {
			err = b.overwrite(ctx, entry.Revision())
		}
		if err != nil {
			return classedWrite(err)
		}
	}
	return classedWrite(b.kv.Purge(ctx, key))
}

// List reads all keys under a prefix, which is empty (all keys) or ends in a point.
func (b *Bucket) List(ctx context.Context, prefix string) (map[string][]byte, error) {
	pattern, err := prefixPattern(prefix)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.broker.bounded(ctx)
	defer cancel()
	watch, err := b.kv.Watch(ctx, pattern, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, classed(err)
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
			if entry == nil { // all that was there has been sent
				return values, nil
			}
			values[entry.Key()] = entry.Value()
		}
	}
}

// Watch calls do for every key under a prefix (see [Bucket.List]) as it is now,
// and then for each change in order, until ctx ends, which is no error. The
// value is nil where the key was deleted or has expired. After a lost
// connection all keys come again as they are then.
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
		// The watch has ended with its connection.
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
		return classed(err)
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
			case entry == nil: // between what was there and what changes
			case entry.Operation() != jetstream.KeyValuePut:
				do(entry.Key(), nil)
			default:
				value := entry.Value()
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
		return "", errors.New("prefix: must be empty or end in a point")
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
			return errors.New("key: must consist of letters, digits, - _ / = and single points between them")
		}
		before = c
	}
	if before == '.' {
		return errors.New("key: must not be empty or end in a point")
	}
	return nil
}
