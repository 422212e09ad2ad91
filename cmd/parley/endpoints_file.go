package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// endpoints is where a running serve listens and with which credentials:
// the contents of DIR/endpoints.json. The file stays when serve ends; its pid
// reports whether it still holds.
type endpoints struct {
	HTTP       string              `json:"http"`
	NATS       natsEndpoint        `json:"nats"`
	ClickHouse clickHouseEndpoints `json:"clickhouse"`
	PID        int                 `json:"pid"`
}

type natsEndpoint struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
}

type clickHouseEndpoints struct {
	HTTP     string        `json:"http"`
	Database string        `json:"database"`
	BI       embedded.User `json:"bi"`
	Writer   embedded.User `json:"writer"`
}

const (
	endpointsName = "endpoints.json"
	adminKeyName  = "admin-key.json"
)

// errNotRunning is in the error of runningEndpoints when no serve uses the data dir.
var errNotRunning = errors.New("no serve is running")

// runningEndpoints reads the file of the serve that runs on dir.
func runningEndpoints(dir string) (*endpoints, error) {
	content, err := os.ReadFile(filepath.Join(dir, endpointsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w on %s: start one with `parley serve --data-dir %s`, or choose another --data-dir", errNotRunning, dir, dir)
	}
	if err != nil {
		return nil, err
	}
	var e endpoints
	if err := json.Unmarshal(content, &e); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", filepath.Join(dir, endpointsName), err)
	}
	if !alive(e.PID) {
		return nil, fmt.Errorf("%w on %s (process %d has ended): start one with `parley serve --data-dir %s`", errNotRunning, dir, e.PID, dir)
	}
	return &e, nil
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, syscall.EPERM))
}

// writePrivately replaces a file of the data dir as a whole, readable by its
// owner only: a reader finds the old contents or the new ones.
func writePrivately(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writePrivatelyText(path, string(content)+"\n")
}

func writePrivatelyText(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.WriteString(content); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
