package main

import (
	"os"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/settings"
)

func TestServeHasAboutFortyFlags(t *testing.T) {
	for _, command := range model(t).Leaves(false) {
		if command.Path() != "serve" {
			continue
		}
		shown, inFile := 0, 0
		for _, flag := range command.Flags {
			if flag.Hidden {
				inFile++
				continue
			}
			shown++
		}
		if shown > 43 || inFile < 30 {
			t.Errorf("serve has %d flags and %d settings of the file", shown, inFile)
		}
	}
}

// A key of the file has one meaning, and the name it had as a flag is no other
// setting's.
func TestEverySettingOfTheFileHasAKeyOfItsOwn(t *testing.T) {
	keys, flags := map[string]string{}, map[string]bool{}
	for _, command := range model(t).Leaves(false) {
		for _, flag := range command.Flags {
			key := settings.FileKey(flag)
			if key == "" {
				flags[flag.Name] = true
				continue
			}
			if first, known := keys[key]; known && first != flag.Name {
				t.Errorf("%s is %s and %s", key, first, flag.Name)
			}
			keys[key] = flag.Name
		}
	}
	for key, name := range keys {
		if flags[name] {
			t.Errorf("--%s is a flag and the setting %s", name, key)
		}
	}
}

func TestSettingsOfTheFileAreRefusedElsewhereByTheirKey(t *testing.T) {
	for _, command := range model(t).Leaves(false) {
		for _, flag := range command.Flags {
			key := settings.FileKey(flag)
			if key == "" {
				continue
			}
			for _, argument := range []string{"--" + flag.Name, "--" + flag.Name + "=nonsense"} {
				_, stderr, code := runHere(t, command.Path(), argument, "7")
				if code != exitUsage || !strings.Contains(stderr, "set "+key+" in the settings file") || strings.Count(stderr, "\n") != 1 {
					t.Errorf("%s %s: exit %d, %q", command.Path(), argument, code, stderr)
				}
			}
			func() {
				name := settings.Variable(flag)
				t.Setenv(name, "7")
				defer os.Unsetenv(name)
				_, stderr, code := runHere(t, command.Path())
				if code != exitUsage || !strings.Contains(stderr, "set "+key+" in the settings file") || !strings.Contains(stderr, name) {
					t.Errorf("%s %s: exit %d, %q", command.Path(), name, code, stderr)
				}
			}()
		}
	}
}

// row returns the value and source that config print shows for a setting.
func row(t *testing.T, key string, arguments ...string) string {
	t.Helper()
	stdout, stderr, code := runHere(t, arguments...)
	if code != exitOK {
		t.Fatalf("%v: exit %d, %q", arguments, code, stderr)
	}
	for line := range strings.Lines(stdout) {
		if fields := strings.Fields(line); fields[0] == key {
			return strings.Join(fields[1:], " ")
		}
	}
	t.Fatalf("%v does not show %s:\n%s", arguments, key, stdout)
	return ""
}

func TestConfigPrintNamesTheSourceOfEveryValue(t *testing.T) {
	file := settingsFile(t, `log-level: warn
stall-after: 7s
query:
  limits:
    depth: 4
  parallel-is-not-here: null
`)
	if _, stderr, code := runHere(t, "--config", file, "version"); code != exitUsage || !strings.Contains(stderr, file+":6: unknown key query.parallel-is-not-here") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	file = settingsFile(t, `log-level: warn
stall-after: 7s
query:
  limits:
    depth: 4
  query-timeout: 3s
project: {stall-after: 9s}
log-max-age: 60d
access: {oidc: {scope-names: {b: read, a: admin}}}
trusted-proxy: [10.0.0.0/8, 192.168.1.1]
`)
	t.Setenv("PARLEY_STORE_TEXT", "true")
	t.Setenv("PARLEY_NATS_URL", "nats://user:hunter2@a:4222,nats://b:4222?token=hunter2")
	for _, c := range []struct {
		arguments, key, want string
	}{
		{"serve", "listen", "127.0.0.1:8080 default"},
		{"serve --listen 127.0.0.1:1", "listen", "127.0.0.1:1 flag --listen"},
		{"--listen 127.0.0.1:1", "listen", "127.0.0.1:1 flag --listen"},
		{"", "store-text", "true environment PARLEY_STORE_TEXT"},
		{"serve --no-migrate", "migrate", "false flag --migrate"},
		{"", "query.limits.depth", "4 file " + file + ":5"},
		{"query", "query.limits.depth", "4 file " + file + ":5"},
		{"query", "query-timeout", "3s file " + file + ":6"},
		{"serve", "query-timeout", "30s default"},
		{"project", "stall-after", "9s file " + file + ":7"},
		{"serve", "stall-after", "7s file " + file + ":2"},
		{"serve", "log-level", "warn file " + file + ":1"},
		{"serve", "log-max-age", "60d file " + file + ":8"},
		{"serve", "access.oidc.scope-names", "a=admin;b=read file " + file + ":9"},
		{"serve", "trusted-proxy", "10.0.0.0/8,192.168.1.1/32 file " + file + ":10"},
		{"serve", "nats-url", "nats://a:4222,nats://b:4222 environment PARLEY_NATS_URL"},
		{"serve", "oidc-issuer", "- default"},
	} {
		got := row(t, c.key, append([]string{"--config", file, "config", "print"}, strings.Fields(c.arguments)...)...)
		if got != c.want {
			t.Errorf("config print %s: %s is %q, want %q", c.arguments, c.key, got, c.want)
		}
	}
	stdout, _, _ := runHere(t, "config", "print", "serve", "--config", file, "--clickhouse-url", "http://u:hunter2@h:8123/?password=hunter2", "--otlp-endpoint", "http://u:hunter2@h%zz")
	if strings.Contains(stdout, "hunter2") || !strings.Contains(stdout, "http://h:8123/") {
		t.Errorf("config print shows a secret:\n%s", stdout)
	}
}

func TestConfigCheckNamesEveryFaultWithItsLine(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // after the name of the file
	}{
		{"", nil},
		{"# nothing\n", nil},
		{"listen: 0.0.0.0:8080\nserve: {sync: interval}\ndemo: {seed: 3, rate: 0.5}\nprojector: {batch: {events: 10, age: 1s}}\n", nil},
		{`{"query": {"limits": {"depth": 3}}, "ingest": {"memory": 64}}`, nil},
		{"lisetn: x\n\nquery:\n  limits:\n    dpeth: 3\n", []string{":1: unknown key lisetn", ":5: unknown key query.limits.dpeth"}},
		{"query:\n  limits:\n    depth: deep\n    max-wait: 3\nsync: never\nmigrate: perhaps\nlog-max-bytes: lots\n",
			[]string{":3: query.limits.depth:", ":4: query.limits.max-wait:", ":5: sync: must be one of always, interval", ":6: migrate:", ":7: log-max-bytes:"}},
		{"query-depth: 3\n", []string{":1: query-depth is query.limits.depth now"}},
		{"listen: a:1\nlisten: b:2\n", []string{":2: listen is set twice"}},
		{"serve: 3\n", []string{":1: serve must hold settings"}},
		{"query:\n  limits: 3\n", []string{":2: query.limits must hold settings"}},
		{"listen: {host: x}\n", []string{":1: listen"}},
		{"listen: [a, b]\n", []string{":1: listen: must be a value, not a list"}},
		{"- a\n", []string{":1: must be keys"}},
		{"listen: [unclosed\n", []string{": yaml:"}},
		{"replay: {undo: true}\n", []string{":1: replay.undo is not a flag that a file may set"}},
		{"query: {limits: {depth: 0}}\n", []string{": limits of queries: query.limits.depth must be greater than 0"}},
		{"oidc-issuer: https://id.example\n", []string{": --oidc-issuer needs --oidc-audience"}},
		{"access: {oidc: {scope-names: {x: everything}}}\n", []string{": --oidc-audience and access.oidc.scope-names need --oidc-issuer"}},
		{"nats-user: x\nclickhouse-password-file: /x\n", []string{": --nats-user needs --nats-url", ": --clickhouse-password-file needs --clickhouse-user"}},
		{"clickhouse-url: http://h:8123\nclickhouse-memory: 5\n", []string{": clickhouse-memory has no effect with clickhouse-url"}},
		{"listen: 127.0.0.1:4222\n", []string{": listen and nats-listen are the same address"}},
		{"listen: 8080\n", []string{": listen: must be HOST:PORT"}},
		{"demo: {conversations: -1}\n", []string{": --conversations"}},
	} {
		file := settingsFile(t, c.text)
		for _, arguments := range [][]string{{"config", "check", file}, {"config", "check", "--config", file}} {
			stdout, stderr, code := runHere(t, arguments...)
			if len(c.want) == 0 {
				if code != exitOK || stderr != "" || stdout != file+": ok\n" {
					t.Errorf("%q: exit %d, %q, %q", c.text, code, stdout, stderr)
				}
				continue
			}
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if code != exitFailed || stdout != "" || len(lines) != len(c.want) {
				t.Errorf("%q: exit %d, %q, %q", c.text, code, stdout, stderr)
				continue
			}
			for i, want := range c.want {
				if !strings.HasPrefix(lines[i], file+want) {
					t.Errorf("%q: %q, want %q", c.text, lines[i], want)
				}
			}
		}
	}
	if _, stderr, code := runHere(t, "config", "check"); code != exitFailed || !strings.Contains(stderr, "no settings file") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if _, stderr, code := runHere(t, "config", "check", "/no/such/file"); code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
