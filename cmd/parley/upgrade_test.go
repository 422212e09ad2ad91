package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Data directories of earlier versions are in testdata/upgrade, named after the commit. Each was made with
//
//	parley serve --data-dir DIR
//	parley demo --data-dir DIR --conversations 40 --until 2026-01-01T00:00:00Z
//
// and a clean stop, without the files that every start writes again (endpoints, log access, configuration).
func TestDataOfEarlierVersionsIsUpgraded(t *testing.T) {
	const conversations = 40
	for commit, events := range map[string]int{
		"ebd63bf": 852, // one account of the log, no customers
		"e9aa5c2": 896, // a message of the log is one event
	} {
		t.Run(commit, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, filepath.Join("testdata", "upgrade", commit+".tar.zst"), dir)
			i := start(t, dir)
			if n := i.number(t, "SELECT count() AS n FROM parley.conversations"); n != conversations {
				t.Errorf("%d conversations", n)
			}
			if n := i.number(t, "SELECT count() AS n FROM parley.events"); n != events {
				t.Errorf("%d events", n)
			}
			for _, command := range []string{"verify", "log check", "doctor"} {
				if stdout, stderr, code := i.command(t, "", strings.Fields(command)...); code != exitOK {
					t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
				}
			}
		})
	}
}

// unpack writes the files of an archive below a folder.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for reader := tar.NewReader(decoder); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name, mode := filepath.Clean(header.Name), header.FileInfo().Mode()
		switch {
		case name == ".":
		case mode.IsDir():
			err = root.MkdirAll(name, mode.Perm())
		case header.Typeflag == tar.TypeSymlink:
			err = root.Symlink(header.Linkname, name)
		default:
			var content []byte
			if content, err = io.ReadAll(reader); err == nil {
				err = root.WriteFile(name, content, mode.Perm())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
