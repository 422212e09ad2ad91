package eventlog

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// filesWith counts the files below a folder that hold a text.
func filesWith(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		var content []byte
		if err == nil && !entry.IsDir() {
			content, err = os.ReadFile(path)
		}
		if bytes.Contains(content, []byte(text)) {
			n++
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server has removed it meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReplacedAndDeletedValuesAreOverwrittenOnDisk(t *testing.T) {
	server, ctx := enginetest.NATS(t), testContext(t)
	broker := open(t, server, overTCP)
	config := BucketConfig{Overwrite: true}
	b, err := broker.Bucket(ctx, "personal", config)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string, revision uint64) uint64 {
		t.Helper()
		next, err := b.Put(ctx, key, []byte(value), revision)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	replaced := put("a", "SECRET one", 0)
	deleted := put("b", "SECRET two", 0)
	put("c", "public", 0)
	restart := func() { // all of it is in the files then
		t.Helper()
		server.Restart(t)
		for broker.Ready() != nil {
			if !pause(ctx, appendPause) {
				t.Fatal(broker.Ready())
			}
		}
	}
	restart()
	if n := filesWith(t, server.Dir, "SECRET"); n != 1 {
		t.Fatalf("%d files hold the values: the test tests nothing", n)
	}
	put("a", "nothing", replaced)
	if err := b.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if n := filesWith(t, server.Dir, "SECRET"); n != 0 {
		t.Fatalf("%d files hold replaced or deleted values", n)
	}
	if _, revision, err := b.get(ctx, "b"); err == nil || revision == deleted {
		t.Fatal("b is still there")
	}
	for range 2 {
		if err := b.Delete(ctx, "b"); err != nil {
			t.Fatal(err)
		}
	}
	put("b", "again", 0)

	// A process that ended between the two writes.
	revision := put("d", "SECRET three", 0)
	if _, err := b.kv.Update(ctx, "d", []byte("nothing"), revision); err != nil {
		t.Fatal(err)
	}
	if b, err = broker.Bucket(ctx, "personal", config); err != nil {
		t.Fatal(err)
	}
	restart()
	if n := filesWith(t, server.Dir, "SECRET"); n != 0 {
		t.Fatalf("%d files hold replaced values after a start", n)
	}
	values, err := b.List(ctx, "")
	if err != nil || len(values) != 4 || string(values["a"]) != "nothing" || string(values["b"]) != "again" || string(values["c"]) != "public" {
		t.Fatalf("%q %v", values, err)
	}
}

func TestMovedBucketLeavesNothingBehind(t *testing.T) {
	server, ctx := enginetest.NATS(t), testContext(t)
	broker := open(t, server)
	former, err := broker.Bucket(ctx, "former", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		if _, err := former.Put(ctx, key, []byte("SECRET "+key), 0); err != nil {
			t.Fatal(err)
		}
	}
	kv, err := broker.makeOverwriting(ctx, "personal", BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Create(ctx, "b", []byte("newer")); err != nil { // by a move that was cut off
		t.Fatal(err)
	}
	var b *Bucket
	for range 2 {
		if b, err = broker.Bucket(ctx, "personal", BucketConfig{Overwrite: true, Former: "former"}); err != nil {
			t.Fatal(err)
		}
	}
	values, err := b.List(ctx, "")
	if err != nil || len(values) != 2 || string(values["a"]) != "SECRET a" || string(values["b"]) != "newer" {
		t.Fatalf("%q %v", values, err)
	}
	if err := b.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if n := filesWith(t, server.Dir, "SECRET"); n != 0 {
		t.Fatalf("%d files hold moved values", n)
	}
}
