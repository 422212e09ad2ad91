package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentialsOutliveRestarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := LoadOrCreateCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("credentials change at the second call")
	}
	for _, user := range []User{first.NATS.Log, first.NATS.Private, first.NATS.Publisher, first.NATS.Reader, first.NATS.Operator, first.Writer, first.Reader, first.BI} {
		if len(user.Password) != 43 {
			t.Errorf("%s has a password of %d characters, want 43 (32 bytes)", user.Name, len(user.Password))
		}
	}
	if other := NewCredentials(); other.NATS.Log.Password == first.NATS.Log.Password || other.BI.Password == other.Writer.Password {
		t.Error("passwords repeat")
	}
	info, err := os.Stat(filepath.Join(dir, CredentialsFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %o", info.Mode().Perm())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

// In a data dir of before, NATS has one user, whose password publishers know.
func TestTheOneUserOfNATSIsReplacedByUsersByRole(t *testing.T) {
	dir := t.TempDir()
	old := `{"nats":{"user":"parley","password":"known"},"clickhouseWriter":{"user":"w","password":"1"},"clickhouseReader":{"user":"r","password":"2"},"clickhouseBI":{"user":"b","password":"3"}}`
	if err := os.WriteFile(filepath.Join(dir, CredentialsFile), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCredentials(dir); err == nil {
		t.Error("a command beside an older serve finds users that the server does not know")
	}
	c, err := LoadOrCreateCredentials(dir)
	if err != nil || c.Writer != (User{"w", "1"}) || c.BI != (User{"b", "3"}) {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, user := range []User{c.NATS.Log, c.NATS.Private, c.NATS.Publisher, c.NATS.Reader, c.NATS.Operator} {
		if len(user.Password) != 43 {
			t.Errorf("%s has a password of %d characters", user.Name, len(user.Password))
		}
	}
	if again, err := LoadCredentials(dir); err != nil || again != c {
		t.Errorf("they change: %v", err)
	}
}

func TestBrokenCredentialsAreNotReplaced(t *testing.T) {
	for name, content := range map[string]string{"broken": "{", "empty": "", "without passwords": "{}"} {
		dir := t.TempDir()
		path := filepath.Join(dir, CredentialsFile)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateCredentials(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: the file is changed to %q, %v", name, after, err)
		}
	}
}

func TestDataDirHasOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lock, err := LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockDataDir(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "process ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("second owner: error is %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if lock, err = LockDataDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}
