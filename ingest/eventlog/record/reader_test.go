package record

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// TestSecondReaderAgrees runs a reader in JavaScript that was written from FORMAT.md alone.
// `npm ci` in testdata/reader fetches what it decompresses with (`make test` does).
func TestSecondReaderAgrees(t *testing.T) {
	if _, err := os.Stat("testdata/reader/node_modules/fzstd"); err != nil {
		t.Fatal("the reader is incomplete: run `npm ci` in ingest/eventlog/record/testdata/reader")
	}
	c := newCodec(t)
	type message struct {
		Sequence Number            `json:"sequence"`
		Singles  Number            `json:"singles"`
		Headers  map[string]string `json:"headers"`
		Payload  []byte            `json:"payload"`
	}
	type event struct {
		Sequence schema.Sequence `json:"sequence"`
		Event    string          `json:"event"`
	}
	const singles = 2
	var input bytes.Buffer
	var want []event
	next := Number(0)
	add := func(headers map[string][]string, payload []byte, events ...[]byte) {
		next++
		m := message{next, singles, map[string]string{}, payload}
		for name, values := range headers {
			m.Headers[name] = values[0]
		}
		if err := json.NewEncoder(&input).Encode(m); err != nil {
			t.Fatal(err)
		}
		for i, e := range events {
			want = append(want, event{Numbering{singles}.Sequence(next, i), string(e)})
		}
	}
	one := []byte(`{"a":"é\\n,"}`)
	add(nil, one, one)
	add(map[string][]string{HeaderSum: {Sum(one)}}, one, one)
	add(nil, one, one)
	add(map[string][]string{"Parley-Lost": {"1"}}, []byte{})
	for _, events := range [][][]byte{{one, []byte(" 2 ")}, realistic(100), slices.Repeat([][]byte{[]byte(`{}`)}, MaxEvents), {[]byte(`"` + strings.Repeat("ß", 400_000) + `"`), one}} {
		header, payload, err := c.Encode(Batch{ContentType: CloudEvents, Events: events})
		if err != nil {
			t.Fatal(err)
		}
		add(header, payload, events...)
	}
	add(map[string][]string{HeaderEvents: {"2"}}, []byte("[1,\n2]"), []byte("1"), []byte("2"))
	add(map[string][]string{HeaderEvents: {"3"}}, []byte("[1,\n2]"), []byte("[1,\n2]"))

	command := exec.CommandContext(t.Context(), "node", "read.mjs")
	command.Dir, command.Stdin, command.Stderr = "testdata/reader", &input, os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []event
	for line := range bytes.Lines(out) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
}
