package engines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
)

func at(dir string, servers Servers) *Location {
	return &Location{Folder: Folder{DataDir: dir}, Servers: servers}
}

func TestUserOfNoServerIsRefused(t *testing.T) {
	for want, servers := range map[string]Servers{
		"--nats-user needs --nats-url":                                     {NATSUser: "u"},
		"--nats-password-file needs --nats-user":                           {NATSURL: "nats://127.0.0.1:1", NATSPasswordFile: "f"},
		"--nats-replicas needs --nats-url":                                 {NATSReplicas: 3},
		"--nats-replicas must be 0 to 5":                                   {NATSURL: "nats://127.0.0.1:1", NATSReplicas: 6},
		"--nats-private-user needs --nats-url":                             {PrivateUser: "u"},
		"--nats-private-password-file needs --nats-private-user":           {NATSURL: "nats://127.0.0.1:1", PrivatePasswordFile: "f"},
		"--clickhouse-user needs --clickhouse-url":                         {ClickHouseUser: "u"},
		"--clickhouse-password-file needs --clickhouse-user":               {ClickHouseURL: "http://127.0.0.1:1", ClickHousePasswordFile: "f"},
		"--clickhouse-reader-user needs --clickhouse-url":                  {ReaderUser: "u"},
		"--clickhouse-reader-password-file needs --clickhouse-reader-user": {ClickHouseURL: "http://127.0.0.1:1", ReaderPasswordFile: "f"},
	} {
		for name, find := range map[string]func() (*Engines, error){"Find": at(t.TempDir(), servers).Find, "FindLog": at(t.TempDir(), servers).FindLog} {
			if _, err := find(); err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

func TestWithoutServeAndServersNothingIsFound(t *testing.T) {
	dir := t.TempDir()
	if _, err := at(dir, Servers{}).FindLog(); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "parley serve --data-dir "+dir) {
		t.Errorf("%v", err)
	}
	// The log is named, the tables are not.
	named := Servers{NATSURL: "nats://127.0.0.1:1"}
	if _, err := at(dir, named).Find(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
	found, err := at(dir, named).FindLog()
	if err != nil || found.Log.URL != named.NATSURL || len(found.Log.Secret) == 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if info, err := os.Stat(filepath.Join(dir, SecretKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestOneCommandIsAlone(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // a session that fails lets the next one be alone
		if _, err := at(dir, Servers{}).OpenAlone(t.Context(), "test", nil); !errors.Is(err, ErrNotRunning) {
			t.Fatal(err)
		}
	}
	lock, err := embedded.LockDataDir(filepath.Join(dir, "rebuild"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := at(dir, Servers{}).OpenAlone(t.Context(), "test", nil); err == nil || !strings.Contains(err.Error(), "another replay, verify, erase or quarantine command is running") {
		t.Errorf("%v", err)
	}
}
