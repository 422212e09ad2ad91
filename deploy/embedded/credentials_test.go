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
	for _, user := range []User{first.NATS, first.Writer, first.Reader, first.BI} {
		if len(user.Password) != 43 {
			t.Errorf("%s has a password of %d characters, want 43 (32 bytes)", user.Name, len(user.Password))
		}
	}
	if other := NewCredentials(); other.NATS.Password == first.NATS.Password || other.BI.Password == other.Writer.Password {
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
