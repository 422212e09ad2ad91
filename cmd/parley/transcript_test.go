package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

var rewrite = flag.Bool("rewrite", false, "write the output of commands into the transcripts")

// TestTranscripts runs the commands in testdata/script and compares what they
// print. After a change that is meant: go test ./cmd/parley -run Transcripts -rewrite
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *rewrite,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}

// Every command has a transcript of its help.
func TestTranscriptsHaveTheHelpOfEveryCommand(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	var look func(*kong.Node)
	look = func(node *kong.Node) {
		if call := strings.Join(strings.Fields("exec parley "+node.Path()+" --help"), " "); !strings.Contains(all.String(), call+"\n") {
			t.Errorf("no transcript has `%s`", call)
		}
		for _, child := range node.Children {
			look(child)
		}
	}
	look(model(t).Node)
}
