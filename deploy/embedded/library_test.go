package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// small is a library of a few bytes.
func small(t *testing.T, content string) (string, library) {
	t.Helper()
	path := filepath.Join(t.TempDir(), libraryFile)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := hashFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, library{size: int64(len(content)), sha256: sum}
}

func TestLibraryIsCheckedBySizeAndHash(t *testing.T) {
	path, want := small(t, "the right one")
	for name, content := range map[string]string{"size": "another", "hash": "the wrong one"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := verifyLibrary(path, "", want); !errors.Is(err, ErrWrongLibrary) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if err := verifyLibrary(filepath.Join(t.TempDir(), "none"), "", want); !errors.Is(err, ErrNoLibrary) {
		t.Errorf("missing: error is %v", err)
	}
}

func TestCheckedLibraryIsRememberedUntilItChanges(t *testing.T) {
	path, want := small(t, "the right one")
	stamps := filepath.Join(t.TempDir(), "stamps")
	if err := verifyLibrary(path, stamps, want); err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(stamps, "library.verified")
	info, err := os.Stat(stamp)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("stamp: %v, %v", info, err)
	}
	// With the stamp the file is not read: it could not be.
	if os.Getuid() != 0 {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	written := info.ModTime()
	if os.Getuid() == 0 {
		if err := verifyLibrary(path, stamps, want); err != nil {
			t.Error(err)
		}
		if again, err := os.Stat(stamp); err != nil || !again.ModTime().Equal(written) {
			t.Errorf("the stamp is written again: %v", err)
		}
	}

	// Another content with the same size and time of change is still another file to the system.
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("the wrong one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := verifyLibrary(path, stamps, want); !errors.Is(err, ErrWrongLibrary) {
		t.Errorf("a changed file passes with the old stamp: %v", err)
	}
}

func TestNamedLibraryMustExist(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.so")
	if _, err := FindLibrary(missing); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), missing) || strings.Contains(err.Error(), "\n") {
		t.Errorf("explicit: error is %v", err)
	}
	t.Setenv(libraryEnv, missing)
	if _, err := FindLibrary(""); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), libraryEnv) {
		t.Errorf("environment: error is %v", err)
	}
	there, _ := small(t, "x")
	t.Setenv(libraryEnv, there)
	if got, err := FindLibrary(""); err != nil || got != there {
		t.Errorf("environment: %s, %v", got, err)
	}
	if _, err := FindLibrary(missing); err == nil {
		t.Error("the environment overrides an explicit path")
	}
}

func TestLibraryIsFoundFromTheSourceTreeOrTheCache(t *testing.T) {
	known := libraries[runtime.GOOS+"/"+runtime.GOARCH]
	t.Setenv(libraryEnv, "")
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	tree := t.TempDir()
	inside := filepath.Join(tree, "query", "store")
	inTree := filepath.Join(tree, "deploy", "embedded", "node_modules", filepath.FromSlash(known.npm), libraryFile)
	userCache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	inCache := filepath.Join(userCache, "parley", LibraryVersion, libraryFile)
	for _, dir := range []string{inside, filepath.Dir(inTree), filepath.Dir(inCache)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(inside)

	_, err = FindLibrary("")
	if !errors.Is(err, ErrNoLibrary) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error is %v", err)
	}
	for _, help := range []string{"make engine", "npm ci", libraryEnv, "--clickhouse-url"} {
		if !strings.Contains(err.Error(), help) {
			t.Errorf("the error does not speak of %s: %v", help, err)
		}
	}
	for _, place := range []string{inCache, inTree} { // the later one is looked at first
		if err := os.WriteFile(place, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if place == inTree {
			if err := os.WriteFile(filepath.Join(tree, "go.mod"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := FindLibrary(""); err != nil || got != place {
			t.Errorf("found %s, %v; want %s", got, err, place)
		}
	}
}

// The lock file names no registry, and holds the version this package asks for.
func TestPackageLockIsPinnedAndPortable(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), "resolved") || strings.Contains(string(lock), "://") {
		t.Error("package-lock.json names addresses")
	}
	manifest, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	for platform, known := range libraries {
		if !strings.Contains(string(manifest), `"`+known.npm+`": "`+LibraryVersion+`"`) || !strings.Contains(string(lock), `"node_modules/`+known.npm+`"`) {
			t.Errorf("%s: %s %s is not pinned", platform, known.npm, LibraryVersion)
		}
	}
}
