package main

import (
	"strings"
	"testing"
)

func TestEveryCommandRefusesInvalidProjects(t *testing.T) {
	commands := map[string][]string{
		"erase":        {"erase", "--visitor", "v"},
		"explain":      {"explain", "--conversation", "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10"},
		"hours show":   {"hours", "show"},
		"webhook add":  {"webhook", "add", "--source", "chatra"},
		"webhook send": {"webhook", "send", "add", "--url", "https://example.org", "--event", "chatStarted"},
	}
	for name, command := range commands {
		// The last is 1 in 32 bits.
		for _, wrong := range []string{"0", "-1", "1.5", "2147483648", "4294967297"} {
			arguments := append(command[:len(command):len(command)], "--data-dir", t.TempDir(), "--project="+wrong)
			if _, stderr, code := runHere(t, arguments...); code != exitUsage || !strings.Contains(stderr, "--project: must be an integer from 1 to 2147483647") {
				t.Errorf("%s --project=%s: exit %d, %s", name, wrong, code, stderr)
			}
		}
	}
}
