package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// alone runs parley without an instance.
func alone(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, arguments...)
	var out, errors bytes.Buffer
	c.Stdout, c.Stderr = &out, &errors
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errors.String(), c.ProcessState.ExitCode()
}

// aloneSucceeds wants exit code 0.
func aloneSucceeds(t *testing.T, arguments ...string) string {
	t.Helper()
	stdout, stderr, code := alone(t, arguments...)
	return succeed(t, stdout, stderr, code)
}

func succeed(t *testing.T, stdout, stderr string, code int) string {
	t.Helper()
	if code != exitOK {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	return stdout
}

func (i *instance) succeeds(t *testing.T, arguments ...string) string {
	t.Helper()
	stdout, stderr, code := i.command(t, "", arguments...)
	return succeed(t, stdout, stderr, code)
}

// exported is what export events writes, line by line.
func (i *instance) exported(t *testing.T) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(i.succeeds(t, "export", "events"), "\n"), "\n")
}

// traffic posts a conversation after the other until it is stopped, some 40 a second.
func (i *instance) traffic(t *testing.T, project, from int) (stop func() (sent int)) {
	t.Helper()
	end, done := make(chan struct{}), make(chan int)
	go func() {
		n := from
		for {
			select {
			case <-end:
				done <- n
				return
			case <-time.After(20 * time.Millisecond):
				i.post(t, told(project, fmt.Sprintf("44444444-4444-4444-8444-%012d", n), fmt.Sprint("v", n), "P")...)
				n++
			}
		}
	}()
	return func() int { close(end); return <-done }
}

func TestBackupUnderTrafficIsRestoredElsewhere(t *testing.T) {
	const project = 7731
	dir := filepath.Join(t.TempDir(), "data")
	place, key := filepath.Join(t.TempDir(), "backups"), filepath.Join(dir, engines.SecretKeyFile)
	i := start(t, dir)
	stop := i.traffic(t, project, 0)
	eventually(t, func() error {
		if n := i.number(t, fmt.Sprintf("SELECT count() FROM parley.conversations WHERE project_id = %d", project)); n < 20 {
			return fmt.Errorf("%d conversations", n)
		}
		return nil
	})
	i.succeeds(t, "bi-user", "add", "--name", "kept", "--projects", fmt.Sprint(project))
	before := i.post(t, event(project, spared, "before", "message.sent", "2025-01-01T10:00:00Z", `{"messageId":"b","author":{"kind":"BOT"}}`))
	t.Log(i.succeeds(t, "backup", "--to", place))
	sent := stop()
	stop = i.traffic(t, project, sent)
	second := i.succeeds(t, "backup", "--to", place, "--secrets")
	t.Log(second)
	stop()
	all := i.exported(t)
	i.kill()

	var files, added int
	if _, err := fmt.Sscanf(second[strings.Index(second, "; ")+2:], "%d files, %s MiB; new: %d files", &files, new(string), &added); err != nil || added >= files {
		t.Errorf("%v: %d of %d files are new in %s", err, added, files, second)
	}
	t.Log(aloneSucceeds(t, "backup", "verify", place))
	ids := strings.Split(strings.TrimSpace(aloneSucceeds(t, "backup", "list", place)), "\n")
	if len(ids) != 2 || !strings.Contains(ids[0], "no secret.key") || !strings.Contains(ids[1], "with secret.key") {
		t.Fatalf("%q", ids)
	}
	first, _, _ := strings.Cut(ids[0], " ")

	for _, to := range []struct {
		flags    []string
		position uint64
	}{
		{},
		{[]string{"--backup", first, "--with-secret-key", key}, 0},
		{[]string{"--position", fmt.Sprint(*before.FirstSequence)}, *before.FirstSequence},
	} {
		t.Run(strings.Join(to.flags, " "), func(t *testing.T) {
			restored := filepath.Join(t.TempDir(), "restored")
			said := aloneSucceeds(t, append([]string{"restore", "--from", place, "--data-dir", restored}, to.flags...)...)
			t.Log(said)
			var last uint64
			if _, err := fmt.Sscanf(said[strings.Index(said, "log up to"):], "log up to sequence %d", &last); err != nil {
				t.Fatal(err)
			}
			r, err := launch(restored, "serve", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			watch(t, r)
			r.admin = i.admin // the keys are those of before
			if users := r.succeeds(t, "bi-user", "list", "--json"); !strings.Contains(users, `"kept"`) {
				t.Errorf("BI users are %q", users)
			}
			if info, err := os.Stat(filepath.Join(restored, embedded.GuestsFile)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file of BI users: %v, %v", info, err)
			}
			got := r.exported(t)
			if len(got) > len(all) || !slices.Equal(got, all[:len(got)]) {
				t.Errorf("the export of %d events is not the beginning of that of %d events", len(got), len(all))
			}
			if least := 1 + slices.IndexFunc(all, func(line string) bool { return strings.Contains(line, `"before"`) }); len(got) < least || to.position > 0 && len(got) != least {
				t.Errorf("%d events are restored, %d were accepted before the first backup", len(got), least)
			}
			t.Log(r.succeeds(t, "verify"), r.succeeds(t, "log", "check"))
			r.where = engines.Endpoints{HTTP: r.where.HTTP}
			next := r.post(t, event(project, spared, "after", "message.sent", "2025-01-01T11:00:00Z", `{"messageId":"a","author":{"kind":"BOT"}}`))
			if *next.FirstSequence <= last {
				t.Errorf("sequence %d was used twice", *next.FirstSequence)
			}
			repeated := r.post(t, event(project, spared, "before", "message.sent", "2025-01-01T10:00:00Z", `{"messageId":"b","author":{"kind":"BOT"}}`))
			eventually(t, func() error {
				_, _, code := r.command(t, "", "export", "events")
				if code != exitOK {
					return fmt.Errorf("the duplicate %+v is not projected", repeated)
				}
				return nil
			})
			if n := len(r.exported(t)); n != len(got)+1 {
				t.Errorf("%d events after one new and one duplicate, %d before", n, len(got))
			}
		})
	}
	if _, stderr, code := alone(t, "restore", "--from", place, "--data-dir", dir); code != exitFailed || !strings.Contains(stderr, "is not empty: give another --data-dir") {
		t.Errorf("into a filled data dir: exit %d, %s", code, stderr)
	}
	for _, c := range []struct{ flags, want string }{
		{"--backup " + first, "give it with --with-secret-key, or leave them out with --without-secrets"},
		{"--backup 20200101T000000.000Z", "there is no backup 20200101T000000.000Z"},
		{"--position 9999999999999", "--position: must be a sequence of the log of the backup, 4096 to "},
	} {
		to := filepath.Join(t.TempDir(), "none")
		_, stderr, code := alone(t, append([]string{"restore", "--from", place, "--data-dir", to}, strings.Fields(c.flags)...)...)
		if code != exitFailed || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %s", c.flags, code, stderr)
		}
		if left, _ := os.ReadDir(filepath.Dir(to)); len(left) > 0 {
			t.Errorf("%s left %v", c.flags, left)
		}
	}
}

func TestRestoreErasesWhatWasErasedAfterTheBackup(t *testing.T) {
	const project, visitor = 7732, "v-erased"
	for _, flags := range [][]string{nil, {"--without-tables"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			i := start(t, filepath.Join(t.TempDir(), "data"))
			place := filepath.Join(t.TempDir(), "backups")
			i.post(t, told(project, erasedConversation, visitor, secret)...)
			i.post(t, told(project, spared, "other", "STAYS")...)
			i.exported(t) // waits for the tables
			i.succeeds(t, append([]string{"backup", "--to", place, "--secrets"}, flags...)...)
			i.succeeds(t, "erase", "--project", fmt.Sprint(project), "--visitor", visitor, "--yes", "--grace", "0s")
			i.succeeds(t, append([]string{"backup", "--to", place, "--secrets"}, flags...)...)
			i.kill()
			first, _, _ := strings.Cut(aloneSucceeds(t, "backup", "list", place), " ")

			restored := filepath.Join(t.TempDir(), "restored")
			told := aloneSucceeds(t, "restore", "--from", place, "--data-dir", restored, "--backup", first)
			if !strings.Contains(told, "erased again, as after the backup: 2 conversations") {
				t.Error(told)
			}
			r := start(t, restored)
			export := strings.Join(r.exported(t), "")
			if strings.Contains(export, secret) || strings.Contains(export, visitor) || !strings.Contains(export, "STAYS") {
				t.Errorf("exported:\n%s", export)
			}
			if rows := r.rowsWith(t, secret); len(rows) > 0 || r.messagesWith(t, secret) > 0 {
				t.Errorf("rows %v, messages of the log %d", rows, r.messagesWith(t, secret))
			}
			r.succeeds(t, "verify")
			r.kill()
			if files := filesWith(t, filepath.Join(restored, "nats"), secret); len(files) > 0 {
				t.Errorf("files %v", files)
			}
		})
	}
}
