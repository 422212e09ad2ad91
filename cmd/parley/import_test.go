package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/ingest/client"
)

// written makes a file of a test.
func written(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImportTakesEveryFormOfFile(t *testing.T) {
	i := running(t)
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, form := range []struct {
		name string
		make func(lines []string) (file string, stdin string)
	}{
		{"ndjson", func(lines []string) (string, string) {
			return written(t, "a.ndjson", []byte("\xef\xbb\xbf"+strings.Join(lines, "\r\n\n"))), ""
		}},
		{"array", func(lines []string) (string, string) {
			pretty := "[\n " + strings.ReplaceAll(strings.Join(lines, ",\n"), `,"`, ",\n  \"") + "\n]\n"
			return written(t, "a.json", []byte(pretty)), ""
		}},
		{"gzip", func(lines []string) (string, string) {
			return written(t, "a.gz", zipped(t, strings.Join(lines, "\n"))), ""
		}},
		{"zstd", func(lines []string) (string, string) {
			return written(t, "a.zst", packer.EncodeAll([]byte(strings.Join(lines, "\n")), nil)), ""
		}},
		{"standard input", func(lines []string) (string, string) { return "-", strings.Join(lines, "\n") }},
	} {
		t.Run(form.name, func(t *testing.T) {
			project := 7800 + n
			lines := exampleLines(t, project)
			file, stdin := form.make(lines)
			for _, want := range []string{"11 accepted, 0 duplicates, 0 bad", "0 accepted, 11 duplicates, 0 bad"} {
				stdout, stderr, code := i.command(t, stdin, "import", file, "--batch", "4")
				if code != 0 || !strings.HasSuffix(stdout, want+"\n") {
					t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
				}
			}
			waitForEvents(t, i, project, len(lines))
			wantExample(t, i, project)
		})
	}
}

func TestBadLinesAreNamedAndKeptAndTheRestIsTaken(t *testing.T) {
	i := running(t)
	const project = 7810
	lines := exampleLines(t, project)
	text := strings.Join([]string{
		lines[0], "", "no JSON", lines[1],
		event(project, someConversation, "import-bad", "conversation.pushed", "2025-01-01T10:00:01Z", `{"toUser":{"id":0,"kind":"BOT"}}`),
	}, "\n")
	file := written(t, "bad.ndjson", []byte(text))
	check := func(wantOut string, arguments ...string) {
		t.Helper()
		stdout, stderr, code := i.command(t, "", append([]string{"import", file}, arguments...)...)
		if code != exitFailed || stdout != file+": "+wantOut+"\n" {
			t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
		}
		for _, want := range []string{file + ":3: INVALID_JSON: ", file + ":5: INVALID_FIELD: data.toUser.id: "} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q is missing in %q", want, stderr)
			}
		}
	}
	check("2 valid, 2 bad", "--dry-run")
	if n := i.number(t, fmt.Sprintf("SELECT count() FROM parley.events WHERE project_id = %d", project)); n != 0 {
		t.Fatalf("a dry run sent %d events", n)
	}
	check("2 accepted, 0 duplicates, 2 bad")
	waitForEvents(t, i, project, 2)
	eventually(t, func() error {
		rows, err := i.trySQL("SELECT reason FROM parley.quarantine WHERE event_id = 'import-bad'")
		if err != nil || len(rows) == 0 {
			return fmt.Errorf("quarantine: %v, %w", rows, err)
		}
		return nil
	})
}

func TestAnInterruptedImportResumes(t *testing.T) {
	i := running(t)
	const project = 7811
	lines := exampleLines(t, project)
	file := written(t, "a.ndjson", []byte(strings.Join(lines, "\n")))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	f := &filesImport{dir: i.dir, sender: client.New(i.where.HTTP, i.admin.ID, i.admin.Secret, nil)}
	state, err := f.resume(file, info)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Reach(6); err != nil { // as if six had been sent
		t.Fatal(err)
	}
	stdout, stderr, code := i.command(t, "", "import", file)
	if code != 0 || !strings.Contains(stdout, "5 accepted") || !strings.Contains(stderr, "continuing after 6 events") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	stdout, stderr, code = i.command(t, "", "import", file)
	if code != 0 || !strings.Contains(stdout, "6 accepted, 5 duplicates") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestCSVBecomesEventsByItsMapping(t *testing.T) {
	i := running(t)
	mapping := written(t, "mapping.yaml", []byte(`
delimiter: ";"
timeLayout: "2006-01-02 15:04:05"
timeZone: Europe/Paris
values:
  via: {web: CHAT, mail: EMAIL}
events:
  - {id: "opened-{ticket}", source: helpdesk, type: parley.conversation.opened.v1, time: "{created:time}", subject: "{ticket:uuid}", projectid: 7820, data: {channel: "{via}", visitor: {id: "{customer}"}}}
  - {id: "pushed-{ticket}", source: helpdesk, type: parley.conversation.pushed.v1, time: "{created:time}", subject: "{ticket:uuid}", projectid: 7820, when: "{agent}", data: {toUser: {id: "{agent:operator}", kind: PROFESSIONAL, name: "{agent}"}}}
  - {id: "closed-{ticket}", source: helpdesk, type: parley.conversation.closed.v1, time: "{closed:time}", subject: "{ticket:uuid}", projectid: 7820, when: "{closed}", data: {reason: "{reason}"}}
`))
	file := written(t, "tickets.csv", []byte("ticket;via;customer;agent;created;closed;reason\n"+
		"T-1;web;\"Ada; the first\";alice;2025-03-30 03:30:00;2025-03-30 04:00:00;solved\n"+
		"T-2;mail;c2;;2025-03-30 09:00:00;;\n"+
		"T-3;web;c3;bob;yesterday;;\n"+
		"T-4;web\n"))
	stdout, stderr, code := i.command(t, "", "import", file, "--mapping", mapping)
	if code != exitFailed || !strings.Contains(stdout, "4 accepted, 0 duplicates, 3 bad") ||
		strings.Count(stderr, file+":4: INVALID_FIELD: time: column created: must be a time like 2006-01-02 15:04:05") != 2 ||
		!strings.Contains(stderr, file+":5: INVALID_FIELD: has 2 cells, expected 7 as in the first row") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	waitForEvents(t, i, 7820, 4)
	rows := i.sql(t, "SELECT channel, created_at, closed_at, close_reason, visitor_id, contact_count FROM parley.conversations WHERE project_id = 7820 ORDER BY created_at")
	got, err := json.Marshal(rows)
	want := `[{"channel":"CHAT","close_reason":"solved","closed_at":"2025-03-30T02:00:00.000Z","contact_count":1,"created_at":"2025-03-30T01:30:00.000Z","visitor_id":"Ada; the first"},` +
		`{"channel":"EMAIL","close_reason":null,"closed_at":null,"contact_count":0,"created_at":"2025-03-30T07:00:00.000Z","visitor_id":"c2"}]`
	if err != nil || string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestExportImportsIntoAnEqualInstance takes what one instance has into another,
// in both formats.
func TestExportImportsIntoAnEqualInstance(t *testing.T) {
	i := running(t)
	const project = 7830
	i.post(t, exampleLines(t, project)...)
	// The same key twice, with different contents: the first counts.
	i.post(t, event(project, someConversation, "twice", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT"}`),
		event(project, someConversation, "twice", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"EMAIL"}`))
	other := start(t, t.TempDir())
	for _, format := range []string{"ndjson", "parquet"} {
		file := filepath.Join(t.TempDir(), "events."+format)
		_, stderr, code := i.command(t, "", "export", "events", "--format", format, "--projects", fmt.Sprint(project), "--out", file)
		if code != 0 {
			t.Fatalf("export: exit %d, %q", code, stderr)
		}
		stdout, stderr, code := other.command(t, "", "import", file)
		want := "12 accepted, 0 duplicates, 0 bad"
		if format == "parquet" {
			want = "0 accepted, 12 duplicates, 0 bad"
		}
		if code != 0 || !strings.Contains(stdout, want) {
			t.Fatalf("import %s: exit %d, %q, %q", format, code, stdout, stderr)
		}
	}
	waitForEvents(t, other, project, 12)
	if got, want := rowsOf(t, other, project), rowsOf(t, i, project); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	stdout, _, _ := i.command(t, "", "export", "events", "--projects", fmt.Sprint(project))
	for n, line := range exampleLines(t, project) {
		if got := strings.Split(stdout, "\n")[n]; got != line {
			t.Errorf("line %d: %s, want %s", n+1, got, line)
		}
	}
}

// TestEveryFileThatCannotBeReadIsNamedAndTheRestIsTaken imports several files at
// once, of which most are wrong in a way of their own.
func TestEveryFileThatCannotBeReadIsNamedAndTheRestIsTaken(t *testing.T) {
	i := running(t)
	const project = 7840
	lines := exampleLines(t, project)
	filler := make([]string, 3000)
	for n := range filler {
		filler[n] = event(project, someConversation, fmt.Sprintf("filler-%x", sha256.Sum256([]byte{byte(n), byte(n >> 8)})), "conversation.snoozed", "2025-01-01T10:00:00Z", "{}")
	}
	whole := zipped(t, strings.Join(append(lines[:5:5], filler...), "\n"))
	broken := written(t, "broken.gz", whole[:len(whole)-4000])
	xz := written(t, "a.xz", []byte("\xfd7zXZ\x00 and more"))
	workbook := written(t, "a.xlsx", []byte("PK\x03\x04 and more"))
	missing := filepath.Join(t.TempDir(), "none")
	good := written(t, "good.ndjson", []byte(strings.Join(lines[5:], "\n")))
	stdout, stderr, code := i.command(t, "", "import", broken, xz, workbook, missing, good)
	if code != exitFailed || !strings.HasSuffix(stdout, good+": 6 accepted, 0 duplicates, 0 bad\n") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	for _, want := range []string{
		broken + ": events up to this point were imported, the rest was not: line ", "the gzip archive is truncated",
		xz + ": this is an xz archive, which is not supported: ", workbook + ": this is a ZIP archive (as an .xlsx workbook is)", missing + ": no such file",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is missing in %q", want, stderr)
		}
	}
	var accepted int
	if _, err := fmt.Sscanf(strings.TrimPrefix(stdout, broken+": "), "%d accepted", &accepted); err != nil || accepted < 1000 {
		t.Fatalf("%q, %v", stdout, err)
	}
	waitForEvents(t, i, project, accepted+6)
}

// TestFilesOfOtherEncodingsAreImportedExactlyOrRefused takes a table that a
// spreadsheet saved.
func TestFilesOfOtherEncodingsAreImportedExactlyOrRefused(t *testing.T) {
	i := running(t)
	const project = 7841
	mapping := written(t, "mapping.yaml", []byte(`
delimiter: ";"
decimalSeparator: ","
events:
  - {id: "opened-{ticket}", source: desk, type: parley.conversation.opened.v1, time: "{at:time}", subject: "{ticket:uuid}", projectid: 7841, data: {channel: CHAT, visitor: {id: "{who}"}}}
  - {id: "sold-{ticket}", source: desk, type: parley.transaction.recorded.v1, time: "{at:time}", subject: "{ticket:uuid}", projectid: 7841, data: {externalConversionId: "{ticket}", amount: "{paid:number}", currency: EUR}}
`))
	file := written(t, "t.csv", []byte("ticket;at;who;paid\n0007;2025-03-30T03:30:00Z;Zo\xeb;0012,50\n"))
	stdout, stderr, code := i.command(t, "", "import", file, "--mapping", mapping)
	if code != exitFailed || !strings.Contains(stdout, ": 0 accepted, 0 duplicates, 1 bad") ||
		!strings.Contains(stderr, file+":2: INVALID_FIELD: column who: is not UTF-8: byte 0xEB") || !strings.Contains(stderr, "--encoding windows-1252") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	stdout, stderr, code = i.command(t, "", "import", file, "--mapping", mapping, "--encoding", "windows-1252")
	if code != 0 || !strings.Contains(stdout, ": 2 accepted, 0 duplicates, 0 bad") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	waitForEvents(t, i, project, 2)
	rows := i.sql(t, fmt.Sprintf(`SELECT visitor_id, (SELECT concat(transaction_id, ' ', toString(amount)) FROM parley.transactions WHERE project_id = %[1]d) AS sale
		FROM parley.conversations WHERE project_id = %[1]d`, project))
	if got, want := fmt.Sprint(rows), "[map[sale:0007 12.5 visitor_id:Zoë]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if stdout, stderr, code := i.command(t, "", "import", file, "--encoding", "klingon"); code != exitFailed || !strings.Contains(stderr, "--encoding: unknown encoding \"klingon\"") || stdout != "" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}
