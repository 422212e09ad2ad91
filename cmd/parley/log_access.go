package main

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

	"github.com/parley-analytics/parley/ingest/eventlog"
)

const (
	// logAccessName is the file of the data dir that says how Parley's own commands
	// reach the log and the buckets. Nobody else is given it: endpoints.json is
	// what publishers and dashboards get.
	logAccessName = "log-access.json"
	// secretKeyName is the file of the data dir with the key that secrets in the
	// buckets are sealed with.
	secretKeyName = "secret.key"
)

// logAccess is the contents of log-access.json.
type logAccess struct {
	URL             string `json:"url"`
	User            string `json:"user"`
	Password        string `json:"password"`
	PrivateUser     string `json:"privateUser,omitempty"`
	PrivatePassword string `json:"privatePassword,omitempty"`
	SecretKeyFile   string `json:"secretKeyFile"`
}

func writeLogAccess(dir string, o *eventlog.Options, keyFile string) error {
	return writePrivately(filepath.Join(dir, logAccessName), &logAccess{
		URL: o.URL, User: o.User, Password: o.Password,
		PrivateUser: o.PrivateUser, PrivatePassword: o.PrivatePassword, SecretKeyFile: keyFile,
	})
}

// readLogAccess is how a command beside the serve on dir connects to its log.
func readLogAccess(dir string) (eventlog.Options, error) {
	path := filepath.Join(dir, logAccessName)
	content, err := os.ReadFile(path)
	if err != nil {
		return eventlog.Options{}, fmt.Errorf("cannot read how to reach the log: %w (an older serve does not write it: restart serve)", err)
	}
	var l logAccess
	if err := json.Unmarshal(content, &l); err != nil {
		return eventlog.Options{}, fmt.Errorf("cannot read %s: %w", path, err)
	}
	secret, err := readSecretKey(l.SecretKeyFile)
	return eventlog.Options{
		URL: l.URL, User: l.User, Password: l.Password,
		PrivateUser: l.PrivateUser, PrivatePassword: l.PrivatePassword, Secret: secret,
	}, err
}

// secretKey reads the key file: the one that the flag names, or else that of the
// data dir, which is made where it is missing.
func (f *serverFlags) secretKey(dir string) (path string, key []byte, err error) {
	if f.SecretKeyFile != "" {
		key, err = readSecretKey(f.SecretKeyFile)
		return f.SecretKeyFile, key, err
	}
	if path, err = filepath.Abs(filepath.Join(dir, secretKeyName)); err != nil {
		return "", nil, err
	}
	if key, err = readSecretKey(path); !errors.Is(err, fs.ErrNotExist) {
		return path, key, err
	}
	key = make([]byte, eventlog.SecretBytes)
	_, _ = rand.Read(key) // never fails
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("secret key: %w", err)
	}
	return path, key, writePrivatelyText(path, base64.StdEncoding.EncodeToString(key)+"\n")
}

func readSecretKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret key: %s is readable by other users (mode %o): run chmod 600", path, info.Mode().Perm())
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
