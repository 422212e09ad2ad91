package engines

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/deploy/atomicfile"
	"github.com/parley-analytics/parley/ingest/eventlog"
)

const (
	// LogAccessFile is the file of the data dir with which Parley's own commands connect to the log
	// and the buckets. Only they need it; publishers and dashboards get endpoints.json.
	LogAccessFile = "log-access.json"
	// SecretKeyFile is the file of the data dir with the key that secrets in the
	// buckets are sealed with.
	SecretKeyFile = "secret.key"
)

// logAccess is the contents of log-access.json.
type logAccess struct {
	URL             string                  `json:"url"`
	User            string                  `json:"user"`
	Password        string                  `json:"password"`
	PrivateUser     string                  `json:"privateUser,omitempty"`
	PrivatePassword string                  `json:"privatePassword,omitempty"`
	Replicas        int                     `json:"replicas,omitempty"` // of buckets that a command makes
	SecretKeyFile   string                  `json:"secretKeyFile"`
	TLS             *certificate.Connection `json:"tls,omitempty"`
}

func (e *Engines) writeLogAccess(dir string) error {
	return WritePrivately(filepath.Join(dir, LogAccessFile), &logAccess{
		URL: e.Log.URL, User: e.Log.User, Password: e.Log.Password,
		PrivateUser: e.Log.PrivateUser, PrivatePassword: e.Log.PrivatePassword, Replicas: e.Log.Replicas, SecretKeyFile: e.keyFile, TLS: e.logTLS,
	})
}

// readLogAccess returns how a command connects to the log of the serve on dir.
func readLogAccess(dir string) (eventlog.Options, error) {
	path := filepath.Join(dir, LogAccessFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return eventlog.Options{}, fmt.Errorf("cannot read the connection to the log: %w (an older version of serve does not write it: restart serve)", err)
	}
	var l logAccess
	if err := json.Unmarshal(content, &l); err != nil {
		return eventlog.Options{}, fmt.Errorf("cannot read %s: %w", path, err)
	}
	config, err := l.TLS.Config("nats")
	if err != nil {
		return eventlog.Options{}, err
	}
	secret, err := ReadSecretKey(l.SecretKeyFile)
	return eventlog.Options{
		URL: l.URL, User: l.User, Password: l.Password,
		PrivateUser: l.PrivateUser, PrivatePassword: l.PrivatePassword, Replicas: l.Replicas, Secret: secret, TLS: config,
	}, err
}

// SecretKey returns the key of the installation: that of the serve on the data dir, or of the flags.
func (l *Location) SecretKey() ([]byte, error) {
	e, err := l.FindLog()
	if err != nil {
		return nil, err
	}
	return e.Log.Secret, nil
}

// secretKey reads the key file: the one that the flag names, or else that of the data dir, which is
// created if it is missing.
func (l *Location) secretKey() (path string, key []byte, err error) {
	if l.Servers.SecretKeyFile != "" {
		key, err = ReadSecretKey(l.Servers.SecretKeyFile)
		return l.Servers.SecretKeyFile, key, err
	}
	if path, err = filepath.Abs(filepath.Join(l.DataDir, SecretKeyFile)); err != nil {
		return "", nil, err
	}
	if key, err = ReadSecretKey(path); !errors.Is(err, fs.ErrNotExist) {
		return path, key, err
	}
	if err := os.MkdirAll(l.DataDir, 0o700); err != nil {
		return "", nil, fmt.Errorf("secret key: %w", err)
	}
	if err := createSecretKey(path); err != nil {
		return "", nil, fmt.Errorf("secret key: %w", err)
	}
	key, err = ReadSecretKey(path)
	return path, key, err
}

// createSecretKey writes a random key, unless the file exists: of several roles that start together on
// a new data dir, one creates it, and all use it.
func createSecretKey(path string) error {
	var random [eventlog.SecretBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	own := path + "-" + rand.Text()
	if err := atomicfile.Write(own, []byte(base64.StdEncoding.EncodeToString(random[:])+"\n")); err != nil {
		return err
	}
	defer os.Remove(own) // the key has another name by now
	if err := os.Link(own, path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// ReadSecretKey reads a key file, which must be private: see [certificate.Private].
func ReadSecretKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	if err := certificate.Private(path, info); err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(content)))
	if err != nil || len(key) != eventlog.SecretBytes {
		return nil, fmt.Errorf("secret key: %s must hold %d random bytes in base64", path, eventlog.SecretBytes)
	}
	return key, nil
}
