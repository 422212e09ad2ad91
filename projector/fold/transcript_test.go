package fold_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

var rewrite = flag.Bool("rewrite", false, "write the rows that the fold gives into the transcripts")

// A transcript file holds cases, separated by blank lines: comments (#) with
// the sentence of the contract that the case shows, events in their notation,
// a line ----, and the rows the fold has to give.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var renewed []string
			for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				renewed = append(renewed, transcribe(t, c))
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.Join(renewed, "\n\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// transcribe checks one case and returns it with the rows of the fold.
func transcribe(t *testing.T, text string) string {
	events, want, _ := strings.Cut(text+"\n", "----\n")
	want = strings.TrimSpace(want)
	var records []schema.Record
	title := ""
	for line := range strings.Lines(events) {
		line = strings.TrimSpace(line)
		if comment, is := strings.CutPrefix(line, "#"); is {
			title += comment
			continue
		}
		if line == "" {
			continue
		}
		r, err := parseEvent(line, len(records)+1)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		records = append(records, r)
	}
	if len(records) == 0 {
		return strings.TrimSpace(text) // a file may begin with a remark
	}
	got := printRows(fold.Of(records))
	slices.Reverse(records)
	if again := printRows(fold.Of(records)); again != got {
		t.Errorf("%s\nreversed events give\n%s\nbut as written\n%s", title, again, got)
	}
	switch {
	case *rewrite:
	case want == "":
		t.Errorf("%s\nhas no rows; look at these and take them over with -rewrite:\n%s", title, got)
	case got != want:
		t.Errorf("%s\nfolds to\n%s\nwant\n%s", title, got, want)
	}
	return strings.TrimSpace(events) + "\n----\n" + got
}
