package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/backup/s3test"
)

func TestBackupsInABucketAreRestoredElsewhere(t *testing.T) {
	const project = 7733
	s3 := s3test.Start(t)
	place := "s3://" + s3.Bucket + "/parley"
	at := []string{"--s3-endpoint", s3.Endpoint}
	i := start(t, filepath.Join(t.TempDir(), "data"))
	backUp := func() (files, added int) {
		t.Helper()
		said := i.succeeds(t, slices.Concat([]string{"backup", "--to", place, "--secrets"}, at)...)
		t.Log(said)
		if _, err := fmt.Sscanf(said[strings.Index(said, "; ")+2:], "%d files, %s MiB; new: %d files", &files, new(string), &added); err != nil {
			t.Fatalf("%q: %v", said, err)
		}
		return files, added
	}
	i.post(t, told(project, spared, "first", "P")...)
	i.exported(t) // waits for the tables
	if files, added := backUp(); added < files/2 {
		t.Errorf("the first backup has %d files, %d of them new", files, added)
	}
	i.post(t, told(project, erasedConversation, "second", "P")...)
	all := i.exported(t)
	if files, added := backUp(); added == 0 || added > files/2 {
		t.Errorf("%d of %d files are new", added, files)
	}
	if left, err := filepath.Glob(filepath.Join(i.dir, "backup*")); err != nil || len(left) > 0 {
		t.Errorf("left in the data dir: %v, %v", left, err)
	}
	i.kill()

	if lines := strings.Split(strings.TrimSpace(aloneSucceeds(t, slices.Concat([]string{"backup", "list", place}, at)...)), "\n"); len(lines) != 2 {
		t.Errorf("listed: %q", lines)
	}
	t.Log(aloneSucceeds(t, slices.Concat([]string{"backup", "verify", place}, at)...))
	restored := filepath.Join(t.TempDir(), "restored")
	t.Log(aloneSucceeds(t, slices.Concat([]string{"restore", "--from", place, "--data-dir", restored}, at)...))
	r := start(t, restored)
	r.admin = i.admin // the keys are those of before
	if got := r.exported(t); !slices.Equal(got, all) {
		t.Errorf("%d events are restored, want the %d of before", len(got), len(all))
	}
	t.Log(r.succeeds(t, "verify"))
	r.kill()

	objects, err := filepath.Glob(s3.Path("parley/objects/*/*"))
	if err != nil || len(objects) == 0 {
		t.Fatalf("%v, %v", objects, err)
	}
	for _, object := range objects { // of a single one the latest backup need not consist
		if err := os.Truncate(object, 1); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := alone(t, slices.Concat([]string{"backup", "verify", place}, at)...)
	if code != exitFailed {
		t.Errorf("with damaged objects: exit %d, %q, %q", code, stdout, stderr)
	}
	for _, object := range objects {
		if !strings.Contains(stdout, filepath.Base(object)) {
			t.Errorf("of the damaged %s is not said: %q", filepath.Base(object), stdout)
		}
	}
	into := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		what, key string
		arguments []string
		want      string
	}{
		{"damaged", "", []string{"restore", "--from", place, "--data-dir", into}, "is damaged: "},
		{"a bucket that is not there", "", []string{"backup", "verify", "s3://other"}, "s3://other: "},
		{"nothing there", "", []string{"restore", "--from", place + "/none", "--data-dir", into}, "there is no backup"},
		{"a wrong key", "nobody", []string{"backup", "list", place}, "s3://" + s3.Bucket + ": "},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.key != "" {
				t.Setenv("AWS_ACCESS_KEY_ID", c.key)
			}
			_, stderr, code := alone(t, slices.Concat(c.arguments, at)...)
			if code != exitFailed || !strings.Contains(stderr, c.want) || strings.Contains(stderr, os.Getenv("AWS_SECRET_ACCESS_KEY")) {
				t.Errorf("exit %d, %q, want %q", code, stderr, c.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(into)); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}
