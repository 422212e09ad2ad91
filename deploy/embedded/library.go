package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryVersion is the version of the ClickHouse library this package is made for.
const LibraryVersion = "26.7.3-stable.1"

// libraryEnv names a library file; it overrides all other rules of FindLibrary.
const libraryEnv = "CHDB_LIB"

// library is one build of the ClickHouse library that may be loaded.
type library struct {
	npm    string // npm package that holds it
	size   int64  // bytes
	sha256 string // hex
}

// libraryFile is the file's name inside its npm package and beside the executable.
const libraryFile = "libchdb.so"

// libraries are the builds that may be loaded, by GOOS/GOARCH. No other file is loaded: to support
// another platform, add its build here and to package.json.
var libraries = map[string]library{
	"linux/amd64": {
		npm:    "@chdb/lib-linux-x64-gnu",
		size:   566_330_096,
		sha256: "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
	},
}

// ErrNoLibrary is wrapped in the error of FindLibrary and StartClickHouse if no ClickHouse library is found.
var ErrNoLibrary = errors.New("the ClickHouse library is missing")

// FindLibrary returns the path of the ClickHouse library. It takes the first of: explicit, the environment variable CHDB_LIB,
// deploy/embedded/node_modules in the source tree that holds the executable or the working directory, the folder of the
// executable, and parley/VERSION in the user's cache directory. A file named explicitly (the first
// two) must exist. Its content is not checked: see VerifyLibrary. The error is one line that says
// how to get the library.
func FindLibrary(explicit string) (string, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	known, ok := libraries[platform]
	if !ok {
		return "", fmt.Errorf("%w: there is no build %s for %s: name a server with --clickhouse-url instead", ErrNoLibrary, LibraryVersion, platform)
	}
	for _, named := range []struct{ by, path string }{{"the setting", explicit}, {libraryEnv, os.Getenv(libraryEnv)}} {
		if named.path == "" {
			continue
		}
		if !isFile(named.path) {
			return "", fmt.Errorf("%w: %s names %s, which does not exist: get it with `make engine`, or correct the path", ErrNoLibrary, named.by, named.path)
		}
		return filepath.Abs(named.path)
	}
	for _, path := range libraryPlaces(known) {
		if isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: get it with `make engine` in the source tree (or `npm ci --no-audit --no-fund` in deploy/embedded), set %s to a %s of %s %s, or name a server with --clickhouse-url",
		ErrNoLibrary, libraryEnv, libraryFile, known.npm, LibraryVersion)
}

func libraryPlaces(known library) []string {
	var places []string
	inTree := filepath.Join("deploy", "embedded", "node_modules", filepath.FromSlash(known.npm), libraryFile)
	executable, _ := os.Executable()
	if resolved, err := filepath.EvalSymlinks(executable); err == nil {
		executable = resolved
	}
	beside := filepath.Dir(executable)
	for _, start := range []string{beside, workingDir()} {
		for dir := start; dir != ""; dir = parentDir(dir) {
			if isFile(filepath.Join(dir, "go.mod")) {
				places = append(places, filepath.Join(dir, inTree))
			}
		}
	}
	places = append(places, filepath.Join(beside, libraryFile))
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, "parley", LibraryVersion, libraryFile))
	}
	return places
}

func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

// parentDir is the folder above dir, empty above the root.
func parentDir(dir string) string {
	if up := filepath.Dir(dir); up != dir {
		return up
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeType == 0
}
