package engines

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestRolesThatStartTogetherUseOneSecretKey(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "data")
		keys := make([][]byte, 8)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				var err error
				if _, keys[i], err = at(dir, Servers{}).secretKey(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, key := range keys {
			if len(key) == 0 || !bytes.Equal(key, keys[0]) {
				t.Fatalf("different keys: %x", keys)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("left %v, %v", left, err)
		}
	}
}

func TestSecretKeyOfAnotherUserMayBeReadByItsGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can give files away; the mode of own files is tested")
	}
	dir := t.TempDir()
	path, _, err := at(dir, Servers{}).secretKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode  os.FileMode
		owner int
		ok    bool
	}{
		{0o600, os.Geteuid(), true}, {0o640, os.Geteuid(), false}, {0o604, os.Geteuid(), false},
		{0o440, 65532, true}, {0o460, 65532, false}, {0o444, 65532, false},
	} {
		if c.owner != os.Geteuid() && os.Geteuid() != 0 {
			continue
		}
		if err := os.Chown(path, c.owner, -1); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := ReadSecretKey(path)
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "is readable by other users") {
			t.Errorf("mode %o of user %d: %v", c.mode, c.owner, err)
		}
	}
}
