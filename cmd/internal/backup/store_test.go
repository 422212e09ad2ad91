package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/backup/s3test"
)

const mebibyte = 1 << 20

func noise(t *testing.T, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	return content
}

func bucketAt(t *testing.T, place, endpoint string) *bucket {
	t.Helper()
	b, err := openBucket(place, S3{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func contentOf(t *testing.T, s Store, name string) ([]byte, error) {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// failing is a content that cannot be read to its end.
type failing struct{ content *bytes.Reader }

var errUnreadable = errors.New("the disk is broken")

func (f failing) Read(p []byte) (int, error) {
	if f.content.Len() < int(f.content.Size())/2 {
		return 0, errUnreadable
	}
	return f.content.Read(p[:min(len(p), 1<<16)])
}

func (f failing) Seek(offset int64, whence int) (int64, error) { return f.content.Seek(offset, whence) }

func TestStoresKeepWhatTheyAreGiven(t *testing.T) {
	s3 := s3test.Start(t)
	for name, s := range map[string]Store{
		"folder":        folder(t.TempDir()),
		"bucket":        bucketAt(t, "s3://"+s3.Bucket, s3.Endpoint),
		"part of a one": bucketAt(t, "s3://"+s3.Bucket+"/some/where/", s3.Endpoint),
	} {
		t.Run(name, func(t *testing.T) {
			contents := map[string][]byte{
				"objects/ab/empty": {}, "objects/ab/small": []byte("x"), "objects/cd/large": noise(t, 40*mebibyte), // in parts
				"objects-other/x": []byte("not below objects/"),
			}
			for name, content := range contents {
				for range 2 { // the second time it is replaced
					if err := s.Put(t.Context(), name, bytes.NewReader(content)); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
			}
			for _, size := range []int{mebibyte, 40 * mebibyte} {
				if err := s.Put(t.Context(), "objects/ab/broken", failing{bytes.NewReader(make([]byte, size))}); !errors.Is(err, errUnreadable) {
					t.Errorf("half a content of %d bytes: %v", size, err)
				}
			}
			for name, want := range contents {
				if got, err := contentOf(t, s, name); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(want))
				}
			}
			names, err := s.List(t.Context(), "objects/")
			slices.Sort(names)
			if want := []string{"objects/ab/empty", "objects/ab/small", "objects/cd/large"}; err != nil || !slices.Equal(names, want) {
				t.Errorf("%v, %v, want %v", names, err, want)
			}
			if names, err := s.List(t.Context(), "none/"); err != nil || len(names) > 0 {
				t.Errorf("below nothing: %v, %v", names, err)
			}
			if _, err := s.Open(t.Context(), "objects/ab/none"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing one: %v", err)
			}
		})
	}
}

// cutting forwards connections to a service, and cuts each after so many bytes of answers, or refuses
// them all.
type cutting struct {
	net.Listener
	after  atomic.Int64 // 0 refuses
	broken atomic.Int64 // connections
}

// cut starts a proxy for the service at an endpoint, and returns its endpoint.
func cut(t *testing.T, endpoint string, after int64) (*cutting, string) {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutting{Listener: l}
	c.after.Store(after)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.forward(from, to.Host) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return c, (&url.URL{Scheme: "http", Host: l.Addr().String()}).String()
}

func (c *cutting) forward(from net.Conn, to string) {
	defer from.Close()
	after := c.after.Load()
	if after == 0 {
		return
	}
	service, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer service.Close()
	go func() {
		_, _ = io.Copy(service, from)
		service.Close()
	}()
	if n, _ := io.CopyN(from, service, after); n == after {
		c.broken.Add(1)
	}
}

func TestReadingContinuesWhereAConnectionBreaks(t *testing.T) {
	s3 := s3test.Start(t)
	content := noise(t, 20*mebibyte)
	if err := bucketAt(t, "s3://"+s3.Bucket, s3.Endpoint).Put(t.Context(), "large", bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	proxy, endpoint := cut(t, s3.Endpoint, 3*mebibyte)
	got, err := contentOf(t, bucketAt(t, "s3://"+s3.Bucket, endpoint), "large")
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
	}
	if n := proxy.broken.Load(); n < 6 {
		t.Errorf("%d connections broke", n)
	}
}

// What cannot be read is not called damaged, and nothing is made of it.
func TestABucketThatCannotBeReachedIsNotDamaged(t *testing.T) {
	s3 := s3test.Start(t)
	place := "s3://" + s3.Bucket
	proxy, endpoint := cut(t, s3.Endpoint, 1<<40)
	r, err := Open(place, t.TempDir(), S3{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	m := backupOf(t, r, 0, nil, noise(t, 4*mebibyte))
	verify := func(ctx context.Context) ([]Damage, error) { return r.Verify(ctx, m.ID, func(*Manifest, int) {}) }
	if damage, err := verify(t.Context()); err != nil || len(damage) > 0 {
		t.Fatalf("%v, %v", damage, err)
	}
	content, err := r.Read(t.Context(), m.Streams[0].Files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	proxy.after.Store(0)
	proxy.Close()
	if damage, err := verify(t.Context()); !isUnavailable(err) || len(damage) > 0 {
		t.Errorf("without a service: %v, %v", damage, err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if r, err = Open(place, t.TempDir(), S3{Endpoint: s3.Endpoint}); err != nil {
		t.Fatal(err)
	}
	if damage, err := verify(t.Context()); !isUnavailable(err) || len(damage) > 0 || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong secret: %v, %v", damage, err)
	}
}

func TestPlacesOfBucketsAreChecked(t *testing.T) {
	const service = "https://s3.example.org"
	for _, c := range []struct{ place, endpoint, want string }{
		{"s3://backups", service, ""},
		{"s3://backups/", service, ""},
		{"s3://backups/of/parley", service + "/", ""},
		{"s3://backups", "http://127.0.0.1:9000", ""},
		{"s3://", service, "not the name of a bucket"},
		{"s3://Back_ups", service, "not the name of a bucket"},
		{"s3://backups/a//b", service, "the prefix must"},
		{"s3://backups/../other", service, "the prefix must"},
		{"s3://backups", "", "--s3-endpoint: must"},
		{"s3://backups", "s3.example.org", "--s3-endpoint: must"},
		{"s3://backups", "ftp://s3.example.org", "--s3-endpoint: must"},
		{"s3://backups", service + "/path", "--s3-endpoint: must"},
		{"s3://backups", "https://key:SECRET@s3.example.org", "--s3-endpoint: must"},
	} {
		_, err := Open(c.place, "", S3{Endpoint: c.endpoint})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRET")) {
			t.Errorf("%s at %s: %v, want %q", c.place, c.endpoint, err, c.want)
		}
	}
}
