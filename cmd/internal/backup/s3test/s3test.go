// Package s3test provides a real S3 service to tests: a versitygw of their own, which `make gateway`
// installs. A gateway that is missing fails the test; nothing is skipped.
package s3test

import (
	"bytes"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	access = "parley-test"
	secret = "parley-test-secret"

	startWithin = 30 * time.Second
)

// Service is a running S3 service with one bucket.
type Service struct {
	Endpoint string // URL
	Bucket   string
	folder   string // of the bucket
}

// Start starts a service for a test, on loopback, and sets the variables with its credentials.
func Start(t *testing.T) *Service {
	t.Helper()
	dir := t.TempDir()
	s := &Service{Bucket: "backups", folder: filepath.Join(dir, "files", "backups")}
	attributes := filepath.Join(dir, "attributes") // not every file system of a machine has extended ones
	for _, d := range []string{s.folder, attributes} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	listen := free(t)
	s.Endpoint = (&url.URL{Scheme: "http", Host: listen}).String()
	var said bytes.Buffer
	c := exec.CommandContext(t.Context(), binary(t), "--port", listen, "--quiet", "posix", "--sidecar", attributes, filepath.Dir(s.folder))
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Wait() }()
	t.Cleanup(func() { <-ended }) // the context of the test has ended it
	for began := time.Now(); ; {
		if connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", listen); err == nil {
			connection.Close()
			break
		}
		select {
		case <-ended:
			t.Fatalf("versitygw ended: %s", &said)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(began) > startWithin {
			t.Fatal("versitygw does not listen")
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", access)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	return s
}

// Path is the file that an object of the bucket is in.
func (s *Service) Path(name string) string { return filepath.Join(s.folder, filepath.FromSlash(name)) }

func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// binary is where the makefile puts the gateway, at the top of the module.
func binary(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			break
		}
		if parent := filepath.Dir(dir); !errors.Is(err, os.ErrNotExist) || parent == dir {
			t.Fatal(err)
		} else {
			dir = parent
		}
	}
	path := filepath.Join(dir, ".build", "bin", "versitygw")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: get it with `make gateway`", err)
	}
	return path
}
