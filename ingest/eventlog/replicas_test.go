package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// copied has every server of a cluster keep a copy.
func copied(o *Options) { o.Replicas, o.InProcess = 3, nil }

// openEverywhere connects to each server of a cluster, and waits until each has a copy of the streams and buckets.
func openEverywhere(t *testing.T, servers []*enginetest.NATSServer, names ...string) (brokers []*Broker, buckets [][]*Bucket) {
	t.Helper()
	for _, server := range servers {
		b := open(t, server, copied)
		var of []*Bucket
		for _, name := range names {
			bucket, err := b.Bucket(testContext(t), name, BucketConfig{})
			if err != nil {
				t.Fatal(err)
			}
			of = append(of, bucket)
		}
		brokers, buckets = append(brokers, b), append(buckets, of)
	}
	awaitCopies(t, brokers[0], 3)
	return brokers, buckets
}

// awaitCopies waits until all servers have a copy of everything.
func awaitCopies(t *testing.T, b *Broker, copies int) {
	t.Helper()
	ctx := testContext(t)
	for {
		c, err := b.Copies(ctx)
		if err == nil && c.Fewest == copies && len(c.Away)+len(c.Behind)+len(c.Leaderless) == 0 {
			return
		}
		if !pause(ctx, 50*time.Millisecond) {
			t.Fatalf("%+v, %v", c, err)
		}
	}
}

// TestWhatWasStoredIsFoundAtOnceInACluster reads through the servers that do not lead, and may lack for a moment what is acknowledged.
func TestWhatWasStoredIsFoundAtOnceInACluster(t *testing.T) {
	brokers, buckets := openEverywhere(t, enginetest.NATSCluster(t), "PARLEY_TEST")
	ctx := testContext(t)
	for n := range 100 {
		receipt := mustAppend(t, brokers[n%3].Events(), message(n))[0]
		key := fmt.Sprint("key.", n%5)
		value := fmt.Sprint("value ", n)
		err := buckets[n%3][0].Update(ctx, key, func([]byte) ([]byte, error) { return []byte(value), nil })
		if err != nil {
			t.Fatal(err)
		}
		for server, b := range brokers {
			if _, err := b.Events().Get(ctx, receipt.Sequence); err != nil {
				t.Fatalf("round %d: event %d read through server %d: %v", n, receipt.Sequence, server, err)
			}
			if got, err := buckets[server][0].Get(ctx, key); err != nil || string(got) != value {
				t.Fatalf("round %d: %s read through server %d is %q, %v, not %q", n, key, server, got, err, value)
			}
		}
	}
}

func TestBucketsGetTheCopiesOfAClusterLater(t *testing.T) {
	servers := enginetest.NATSCluster(t)
	once := open(t, servers[0], overTCP)
	bucket, err := once.Bucket(testContext(t), "PARLEY_TEST", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(testContext(t), "a", []byte("kept"), 0); err != nil {
		t.Fatal(err)
	}
	if c, err := once.Copies(testContext(t)); err != nil || c.Cluster != "test" || len(c.Single) != c.Streams || c.Fewest != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	awaitCopies(t, open(t, servers[1], copied), 3)
	if got, err := bucket.Get(testContext(t), "a"); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMoreCopiesThanServersAreExplained(t *testing.T) {
	alone := enginetest.NATS(t)
	_, err := Open(testContext(t), Options{URL: alone.URL, User: alone.User, Password: alone.Password, Replicas: 3})
	if err == nil || !strings.Contains(err.Error(), "cannot keep 3 copies of a stream: start as many servers") || errors.Is(err, ErrUnavailable) {
		t.Errorf("a server that is alone: %v", err)
	}
	ctx, cancel := context.WithTimeout(testContext(t), 3*time.Second)
	defer cancel()
	servers := enginetest.NATSCluster(t)
	_, err = Open(ctx, Options{URL: servers[0].URL, User: servers[0].User, Password: servers[0].Password, Replicas: 5})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("five copies on three servers: %v", err)
	}
}

// TestAStreamWithoutALeaderIsUnavailable stops two of three servers: the copy of the third one may be an old one.
func TestAStreamWithoutALeaderIsUnavailable(t *testing.T) {
	servers := enginetest.NATSCluster(t)
	brokers, buckets := openEverywhere(t, servers, "PARLEY_TEST")
	b := brokers[0]
	mustAppend(t, b.Events(), message(1))
	servers[1].Stop()
	servers[2].Stop()
	ctx := testContext(t)
	for {
		_, err := b.Events().Last(ctx)
		if err != nil && strings.Contains(err.Error(), "has no leader") && errors.Is(err, ErrUnavailable) && b.Ready() != nil {
			break
		}
		if !pause(ctx, 100*time.Millisecond) {
			t.Fatalf("the copy of one of three servers is read: %v; ready: %v", err, b.Ready())
		}
	}
	// A watch that begins now waits too, instead of ending the process.
	bucket := buckets[0][0]
	watching, end := context.WithCancel(t.Context())
	defer end()
	seen, ended := make(chan string, 10), make(chan error, 1)
	go func() { ended <- bucket.Watch(watching, "", func(key string, _ []byte) { seen <- key }) }()
	if !pause(ctx, 3*time.Second) || len(ended) > 0 {
		t.Errorf("the watch has ended: %v", <-ended)
	}
	servers[1].Restart(t)
	ctx = testContext(t)
	for b.Ready() != nil {
		if !pause(ctx, 100*time.Millisecond) {
			t.Fatalf("not ready with two of three servers: %v", b.Ready())
		}
	}
	ctx = testContext(t)
	err := Retry(ctx, func() error { // the bucket's leader may come later than those of the logs
		if _, err := b.Events().Append(ctx, []Message{message(2)}); err != nil {
			return err
		}
		return bucket.Update(ctx, "a", func([]byte) ([]byte, error) { return []byte("changed"), nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-seen:
	case err := <-ended:
		t.Errorf("the watch has ended: %v", err)
	case <-testContext(t).Done():
		t.Error("the watch sees nothing")
	}
}
