package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func secretOf(fill byte) []byte { return bytes.Repeat([]byte{fill}, SecretBytes) }

// separate are options with an account for the buckets.
func separate(s *enginetest.NATSServer, secret []byte) Options {
	return Options{
		URL: s.URL, User: s.User, Password: s.Password, InProcess: s.InProcess,
		PrivateUser: s.Users.Private.Name, PrivatePassword: s.Users.Private.Password, Secret: secret,
	}
}

func mustOpen(t *testing.T, o Options) *Broker {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func mustBucket(t *testing.T, b *Broker, name string, sealed bool) *Bucket {
	t.Helper()
	bucket, err := b.Bucket(t.Context(), name, BucketConfig{Sealed: sealed})
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func TestSealedValuesAreReadWithTheirKeyOnly(t *testing.T) {
	s := enginetest.NATS(t)
	bucket := mustBucket(t, mustOpen(t, separate(s, secretOf(1))), "SECRETS", true)
	if _, err := bucket.Put(t.Context(), "a", []byte("hidden"), 0); err != nil {
		t.Fatal(err)
	}
	if err := bucket.PutTTL(t.Context(), "b", []byte("hidden"), time.Hour); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "hidden", "b": "hidden"} {
		if got, err := bucket.Get(t.Context(), key); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
		raw, err := bucket.kv.Get(t.Context(), key)
		if err != nil || bytes.Contains(raw.Value(), []byte("hidden")) {
			t.Errorf("%s is kept as %q, %v", key, raw.Value(), err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	seen := 0
	if err := bucket.Watch(ctx, "", func(_ string, value []byte) {
		if string(value) != "hidden" {
			t.Errorf("watched %q", value)
		}
		if seen++; seen == 2 {
			cancel()
		}
	}); err != nil || seen != 2 {
		t.Errorf("%d values, %v", seen, err)
	}

	// Put in clear, moved from another key, changed, or sealed with another key.
	raw, err := bucket.kv.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(raw.Value())
	changed[len(changed)-1] ^= 1
	for key, value := range map[string][]byte{"clear": []byte(`{"forged":true}`), "moved": raw.Value(), "changed": changed, "short": []byte(sealMark), "empty": nil} {
		if _, err := bucket.kv.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
		if got, err := bucket.Get(t.Context(), key); !errors.Is(err, errSealed) {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	other := mustBucket(t, mustOpen(t, separate(s, secretOf(2))), "SECRETS", true)
	if _, err := other.Get(t.Context(), "a"); !errors.Is(err, errSealed) || !strings.Contains(err.Error(), "--secret-key-file") {
		t.Errorf("with another key: %v", err)
	}
	if _, err := other.List(t.Context(), ""); !errors.Is(err, errSealed) {
		t.Errorf("a list with another key: %v", err)
	}
	if _, err := Open(t.Context(), separate(s, []byte("short"))); err == nil {
		t.Error("a short secret is taken")
	}
}

// What an earlier version kept in the log's account and in clear goes over as a
// whole, with what is left of its life, and nothing stays behind.
func TestBucketsOfAnEarlierVersionAreTakenOver(t *testing.T) {
	for name, target := range map[string]func(*enginetest.NATSServer) Options{
		"to an account of its own": func(s *enginetest.NATSServer) Options { return separate(s, secretOf(1)) },
		"in the same account": func(s *enginetest.NATSServer) Options {
			return Options{URL: s.URL, User: s.User, Password: s.Password, InProcess: s.InProcess, Secret: secretOf(1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := enginetest.NATS(t)
			before := mustOpen(t, Options{URL: s.URL, User: s.User, Password: s.Password, InProcess: s.InProcess})
			old, hours := mustBucket(t, before, "SECRETS", false), mustBucket(t, before, "HOURS", false)
			for n := range 50 {
				if _, err := old.Put(t.Context(), fmt.Sprintf("k.%d", n), fmt.Appendf(nil, "value %d", n), 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := old.Delete(t.Context(), "k.7"); err != nil {
				t.Fatal(err)
			}
			if err := old.PutTTL(t.Context(), "short", []byte("x"), 3*time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := hours.Put(t.Context(), "project.1", []byte("open"), 0); err != nil {
				t.Fatal(err)
			}

			now := mustOpen(t, target(s))
			bucket := mustBucket(t, now, "SECRETS", true)
			values, err := bucket.List(t.Context(), "k.")
			if err != nil || len(values) != 49 || string(values["k.8"]) != "value 8" {
				t.Errorf("%d values, %q, %v", len(values), values["k.8"], err)
			}
			if value, err := mustBucket(t, now, "HOURS", false).Get(t.Context(), "project.1"); err != nil || string(value) != "open" {
				t.Errorf("%q, %v", value, err)
			}
			if _, err := before.js.Stream(t.Context(), "KV_SECRETS"); err == nil {
				t.Error("the old bucket is still there")
			}
			// It expires as it would have.
			deadline := time.After(patience)
			for {
				if _, err := bucket.Get(t.Context(), "short"); errors.Is(err, ErrNotFound) {
					break
				}
				select {
				case <-deadline:
					t.Fatal("the value with a time to live stays")
				case <-time.After(50 * time.Millisecond):
				}
			}
			// A bucket that appears at the old place later is not Parley's.
			planted := mustBucket(t, before, "SECRETS", false)
			if _, err := planted.Put(t.Context(), "k.7", []byte("planted"), 0); err != nil {
				t.Fatal(err)
			}
			if value, err := mustBucket(t, mustOpen(t, target(s)), "SECRETS", true).Get(t.Context(), "k.7"); !errors.Is(err, ErrNotFound) {
				t.Errorf("planted: %q, %v", value, err)
			}
		})
	}
}
