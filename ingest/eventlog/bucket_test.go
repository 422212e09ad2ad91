package eventlog

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func testBucket(t *testing.T) *Bucket {
	t.Helper()
	b, err := open(t, enginetest.NATS(t)).Bucket(testContext(t), "parley_test", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPutComparesTheRevision(t *testing.T) {
	b, ctx := testBucket(t), testContext(t)
	if _, _, err := b.get(ctx, "key.1"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("error %v", err)
	}
	first, err := b.Put(ctx, "key.1", []byte("a"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(ctx, "key.1", []byte("b"), 0); !errors.Is(err, ErrConflict) {
		t.Fatalf("error %v", err)
	}
	second, err := b.Put(ctx, "key.1", []byte("b"), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(ctx, "key.1", []byte("c"), first); !errors.Is(err, ErrConflict) {
		t.Fatalf("error %v", err)
	}
	value, revision, err := b.get(ctx, "key.1")
	if err != nil || string(value) != "b" || revision != second {
		t.Fatalf("%s %d %v", value, revision, err)
	}
	for range 2 {
		if err := b.Delete(ctx, "key.1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.get(ctx, "key.1"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("error %v", err)
	}
	if _, err := b.Put(ctx, "key.1", []byte("d"), 0); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	server := enginetest.NATS(t)
	for name, config := range map[string]BucketConfig{"parley_test": {}, "parley_overwritten": {Overwrite: true}} {
		t.Run(name, func(t *testing.T) {
			const writers, updates = 8, 25
			ctx := testContext(t)
			var all sync.WaitGroup
			var reader *Bucket
			for range writers {
				b, err := open(t, server).Bucket(ctx, name, config) // each with a connection of its own
				if err != nil {
					t.Fatal(err)
				}
				reader = b
				all.Go(func() {
					for range updates {
						err := b.Update(ctx, "count", func(before []byte) ([]byte, error) {
							n, _ := strconv.Atoi(string(before)) // nothing reads as 0
							return strconv.AppendInt(nil, int64(n+1), 10), nil
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			if value, _, err := reader.get(ctx, "count"); err != nil || string(value) != strconv.Itoa(writers*updates) {
				t.Errorf("%s of %d updates are there: %v", value, writers*updates, err)
			}
		})
	}
}

func TestUpdateWritesOnlyWhatChanges(t *testing.T) {
	b, ctx := testBucket(t), testContext(t)
	failure := errors.New("no")
	for _, step := range []struct {
		before string // with a mark for a value that is there
		after  []byte
		err    error
		writes bool
	}{
		{"", nil, nil, false},
		{"", []byte("x"), failure, false},
		{"", []byte{}, nil, true}, // an empty value is one
		{"=", []byte{}, nil, false},
		{"=", []byte("a"), nil, true},
		{"=a", []byte("a"), nil, false},
		{"=a", nil, nil, false},
		{"=a", []byte("b"), failure, false},
		{"=a", []byte("b"), nil, true},
	} {
		_, old, _ := b.get(ctx, "key")
		err := b.Update(ctx, "key", func(before []byte) ([]byte, error) {
			seen := string(before)
			if before != nil {
				seen = "=" + seen
			}
			if seen != step.before {
				t.Errorf("before %q, want %q", seen, step.before)
			}
			return step.after, step.err
		})
		if !errors.Is(err, step.err) {
			t.Errorf("%+v: error %v", step, err)
		}
		if _, revision, _ := b.get(ctx, "key"); (revision != old) != step.writes {
			t.Errorf("%+v: revision %d after %d", step, revision, old)
		}
	}
}

// TestUpdateGivesUpAfterManyConflicts has another writer that is always faster.
func TestUpdateGivesUpAfterManyConflicts(t *testing.T) {
	b, ctx := testBucket(t), testContext(t)
	calls := 0
	err := b.Update(ctx, "key", func([]byte) ([]byte, error) {
		calls++
		return []byte("mine"), b.PutTTL(ctx, "key", []byte(strconv.Itoa(calls)), time.Hour)
	})
	if !errors.Is(err, ErrConflict) || calls != maxUpdates {
		t.Errorf("%d attempts: %v", calls, err)
	}
}

func TestListReadsOnePrefix(t *testing.T) {
	b, ctx := testBucket(t), testContext(t)
	if all, err := b.List(ctx, ""); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	for _, key := range []string{"user.1", "user.2", "key.1", "user.3"} {
		if _, err := b.Put(ctx, key, []byte(key), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(ctx, "user.3"); err != nil {
		t.Fatal(err)
	}
	users, err := b.List(ctx, "user.")
	if err != nil || len(users) != 2 || string(users["user.2"]) != "user.2" {
		t.Fatal(users, err)
	}
	all, err := b.List(ctx, "")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	if _, err := b.List(ctx, "user"); err == nil {
		t.Fatal("a prefix that ends inside a part is refused")
	}
}

func TestWatchReportsEveryChange(t *testing.T) {
	server := enginetest.NATS(t)
	b, err := open(t, server, overTCP).Bucket(testContext(t), "parley_test", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	if _, err := b.Put(ctx, "k.1", []byte("a"), 0); err != nil {
		t.Fatal(err)
	}
	type change struct {
		key   string
		value []byte
	}
	changes, ended := make(chan change, 100), make(chan error, 1)
	go func() {
		ended <- b.Watch(ctx, "k.", func(key string, value []byte) { changes <- change{key, value} })
	}()
	expect := func(key, value string, deleted bool) {
		t.Helper()
		select {
		case c := <-changes:
			if c.key != key || string(c.value) != value || (c.value == nil) != deleted {
				t.Fatalf("change %+v, want %s=%s", c, key, value)
			}
		case <-time.After(patience):
			t.Fatalf("no change %s=%s", key, value)
		}
	}
	expect("k.1", "a", false)
	if err := b.PutTTL(ctx, "k.1", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	expect("k.1", "", false)
	if err := b.PutTTL(ctx, "k.2", []byte("short"), time.Second); err != nil {
		t.Fatal(err)
	}
	expect("k.2", "short", false)
	expect("k.2", "", true) // expired
	if err := b.Delete(ctx, "k.1"); err != nil {
		t.Fatal(err)
	}
	expect("k.1", "", true)
	server.Restart(t)
	deadline := time.Now().Add(patience)
	// A conflict is a value that was stored although its answer was lost.
	for err := errors.New("never tried"); err != nil && !errors.Is(err, ErrConflict); _, err = b.Put(ctx, "k.3", []byte("after"), 0) {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	// After the connection was lost everything comes again, and then what is new.
	for c := (change{}); c.key != "k.3"; {
		select {
		case c = <-changes:
		case <-time.After(patience):
			t.Fatal("no change after the restart")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestKeysOutsideTheAlphabetAreRefused(t *testing.T) {
	b, ctx := testBucket(t), testContext(t)
	for _, key := range []string{"", ".", "a.", ".a", "a..b", "a b", "a*", "a>", "é"} {
		if err := b.PutTTL(ctx, key, nil, time.Second); err == nil {
			t.Errorf("PutTTL took %q", key)
		}
		if _, err := b.Put(ctx, key, nil, 0); err == nil {
			t.Errorf("Put took %q", key)
		}
	}
}

// TestValuesThatAreTooLargeAreRefusedForGood has one over the bucket's limit and
// one over the server's.
func TestValuesThatAreTooLargeAreRefusedForGood(t *testing.T) {
	broker, ctx := open(t, enginetest.NATS(t)), testContext(t)
	small, err := broker.Bucket(ctx, "parley_small", BucketConfig{MaxValueBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	large, err := broker.Bucket(ctx, "parley_large", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for bucket, size := range map[*Bucket]int{small: 2000, large: 2 << 20} {
		if _, err := bucket.Put(ctx, "key", make([]byte, size), 0); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: a new value: %v", bucket.name, err)
		}
		first, err := bucket.Put(ctx, "key", []byte("a"), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Put(ctx, "key", make([]byte, size), first); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: another value: %v", bucket.name, err)
		}
		if err := bucket.PutTTL(ctx, "key", make([]byte, size), time.Minute); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: a value that expires: %v", bucket.name, err)
		}
	}
}
