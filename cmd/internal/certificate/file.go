package certificate

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// File is a PEM file and the flag that names it.
type File struct{ Flag, Path string }

// read returns the content of the file.
func (f File) read() ([]byte, error) {
	content, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, f.fault(err)
	}
	return content, nil
}

// info returns the state of the file.
func (f File) info() (fs.FileInfo, error) {
	info, err := os.Stat(f.Path)
	if err != nil {
		return nil, f.fault(err)
	}
	return info, nil
}

func (f File) fault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %s does not exist", f.Flag, f.Path)
	}
	return fmt.Errorf("%s: %w", f.Flag, err)
}

// authorities reads CA certificates.
func (f File) authorities() (*x509.CertPool, error) {
	content, err := f.read()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, f.empty()
	}
	return pool, nil
}

// Leaf reads the first certificate of the file.
func (f File) Leaf() (*x509.Certificate, error) {
	content, err := f.read()
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, f.empty()
}

func (f File) empty() error {
	return fmt.Errorf("%s: %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", f.Flag, f.Path)
}

// Private refuses a secret file that other users can read. One of another user can be read only as a
// member of its group, so that is allowed: this is how Kubernetes mounts secrets.
func Private(path string, info fs.FileInfo) error {
	others := fs.FileMode(0o077)
	if owner, known := info.Sys().(*syscall.Stat_t); known && int(owner.Uid) != os.Geteuid() {
		others = 0o027
	}
	if info.Mode().Perm()&others != 0 {
		return fmt.Errorf("%s is readable by other users (mode %o): run chmod 600", path, info.Mode().Perm())
	}
	return nil
}

// watched is a value made of files, which is made again when one of them has changed. Not safe for concurrent use.
type watched[T any] struct {
	files []File
	make  func() (T, error)

	value T
	seen  []fs.FileInfo
}

// load makes the value for the first time.
func (w *watched[T]) load() (err error) {
	w.seen = w.look()
	w.value, err = w.make()
	return err
}

// renew makes the value again if a file has changed, and reports whether it did. After an error the value stays, until the next change.
func (w *watched[T]) renew() (bool, error) {
	now := w.look()
	if same(w.seen, now) {
		return false, nil
	}
	w.seen = now
	next, err := w.make()
	if err != nil {
		return false, err
	}
	w.value = next
	return true, nil
}

// look returns the state of each file, nil for one that is missing.
func (w *watched[T]) look() []fs.FileInfo {
	state := make([]fs.FileInfo, len(w.files))
	for i, file := range w.files {
		state[i], _ = os.Stat(file.Path) // make reports what is wrong
	}
	return state
}

func same(before, now []fs.FileInfo) bool {
	for i, b := range before {
		n := now[i]
		if (b == nil) != (n == nil) || b != nil && (!os.SameFile(b, n) || b.Size() != n.Size() || !b.ModTime().Equal(n.ModTime())) {
			return false
		}
	}
	return true
}
