package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// twoBackups makes a repository with two backups of which the second has one file more.
func twoBackups(t *testing.T) (dir string, ids []string) {
	t.Helper()
	dir = t.TempDir()
	files := []string{"one", "two", strings.Repeat("three", 100_000)}
	for n := range 2 {
		r := open(t, dir)
		m := backupOf(t, r, n, ids, files[:2+n]...)
		if want := []int64{2, 1}[n]; r.Stored != want {
			t.Errorf("backup %d stored %d files, want %d", n, r.Stored, want)
		}
		ids = append(ids, m.ID)
	}
	return dir, ids
}

func open(t *testing.T, dir string) *Repository {
	t.Helper()
	r, err := Open(dir, t.TempDir(), S3{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// backupOf makes the n-th backup of files.
func backupOf[T string | []byte](t *testing.T, r *Repository, n int, before []string, files ...T) *Manifest {
	t.Helper()
	began := time.Date(2026, 3, 1, n, 0, 0, 0, time.UTC)
	m := &Manifest{Format: Format, ID: NewID(began), Began: began, Log: map[string]schema.Sequence{eventlog.EventsStream: 7}}
	if len(before) > 0 {
		m.Previous = before[len(before)-1]
	}
	for i, content := range files {
		f, err := r.Add(t.Context(), fmt.Sprint("file", i), bytes.NewReader([]byte(content)))
		if err != nil {
			t.Fatal(err)
		}
		m.Streams = append(m.Streams, Stream{Snapshot: eventlog.Snapshot{Stream: fmt.Sprint("S", i)}, Files: []File{f}})
	}
	if err := r.Finish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFilesOfABackupAreRead(t *testing.T) {
	dir, ids := twoBackups(t)
	r := open(t, dir)
	m, err := r.Get(t.Context(), "")
	if err != nil || m.ID != ids[1] {
		t.Fatalf("%v, %v, want the latest", m, err)
	}
	content, err := r.Read(t.Context(), m.Streams[1].Files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if text, err := io.ReadAll(content); err != nil || string(text) != "two" {
		t.Errorf("%q, %v", text, err)
	}
	for _, path := range filesOf(t, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
}

func filesOf(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	return paths
}

func TestDamageOfEachFileIsFoundAndNamed(t *testing.T) {
	damages := map[string]func(path string, content []byte) error{
		"removed":  func(path string, _ []byte) error { return os.Remove(path) },
		"emptied":  func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"cut off":  func(path string, content []byte) error { return os.WriteFile(path, content[:len(content)-1], 0o600) },
		"appended": func(path string, content []byte) error { return os.WriteFile(path, append(content, "x"...), 0o600) },
		"flipped": func(path string, content []byte) error {
			content[len(content)/2] ^= 4
			return os.WriteFile(path, content, 0o600)
		},
	}
	for what, damage := range damages {
		t.Run(what, func(t *testing.T) {
			dir, ids := twoBackups(t)
			for _, path := range filesOf(t, dir) {
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := damage(path, bytes.Clone(whole)); err != nil {
					t.Fatal(err)
				}
				name, _ := filepath.Rel(dir, path)
				found, err := open(t, dir).Verify(t.Context(), "", func(*Manifest, int) {})
				switch {
				case what == "removed" && strings.HasSuffix(name, ids[1]+".json"):
					// Nothing refers to the latest backup.
				case err != nil || len(found) == 0 || !strings.Contains(found[0].Err.Error(), filepath.Base(name)):
					t.Errorf("%s: found %v, %v", name, found, err)
				}
				if err := os.WriteFile(path, whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if found, err := open(t, dir).Verify(t.Context(), "", func(*Manifest, int) {}); err != nil || len(found) > 0 {
				t.Errorf("the undamaged one: %v, %v", found, err)
			}
		})
	}
}

func TestAnErasureAfterABackupIsKnownFromALaterOne(t *testing.T) {
	dir, ids := twoBackups(t)
	r := open(t, dir)
	m, err := r.Get(t.Context(), ids[1])
	if err != nil {
		t.Fatal(err)
	}
	erased := Erasure{Project: 1, Conversation: "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01", At: m.Began.Add(-time.Minute)}
	m.Erasures = []Erasure{erased}
	if err := r.Finish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Time]int{m.Began.Add(-time.Hour): 1, m.Began: 0} {
		if found, err := r.Erasures(t.Context(), after); err != nil || len(found) != want {
			t.Errorf("after %v: %v, %v", after, found, err)
		}
	}
}

func TestWithoutBackupsNothingIsVerified(t *testing.T) {
	if _, err := open(t, t.TempDir()).Verify(t.Context(), "", nil); err == nil || err.Error() != "there is no backup" {
		t.Error(err)
	}
	if _, err := open(t, t.TempDir()).Get(t.Context(), "x"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
