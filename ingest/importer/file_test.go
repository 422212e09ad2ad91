package importer

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProgressIsKeptInAFileOfItsOwner(t *testing.T) {
	place := File(filepath.Join(t.TempDir(), "imports", "a.json"))
	var state State
	if there, err := place.Load(&state); there || err != nil {
		t.Fatalf("before the first import: %v, %v", there, err)
	}
	if err := place.Save(&State{Records: 7}); err != nil {
		t.Fatal(err)
	}
	if there, err := place.Load(&state); !there || err != nil || state.Records != 7 {
		t.Errorf("%v, %v, %+v", there, err, state)
	}
	if info, err := os.Stat(string(place)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(string(place), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if there, err := place.Load(&state); there || err != nil {
		t.Errorf("a file that broke off: %v, %v", there, err)
	}
	for range 2 {
		if err := place.Remove(); err != nil {
			t.Error(err)
		}
	}
}
