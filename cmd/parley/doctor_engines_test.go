package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded"
)

func TestDoctorNamesFaultsOfADeployment(t *testing.T) {
	i := start(t, t.TempDir())
	wants := func(exit int, flags []string, lines ...string) {
		t.Helper()
		stdout, stderr, code := i.command(t, "", append([]string{"doctor"}, flags...)...)
		if code != exit {
			t.Errorf("doctor %v: exit %d, not %d", flags, code, exit)
		}
		for _, line := range lines {
			if !strings.Contains(stdout, line) {
				t.Errorf("doctor %v does not say %q", flags, line)
			}
		}
		if t.Failed() {
			t.Fatalf("%s%s", stdout, stderr)
		}
	}
	wants(exitOK, nil, "ok    nats version: parley ", ", nats-server 2.", "ok    nats clock: nats-server differs by at most ",
		"ok    streams: PARLEY_EVENTS with replicas: 1, PARLEY_REJECTED with replicas: 1", "ok    clickhouse server: ClickHouse 26.",
		"ok    rights: parley_writer owns the tables, parley_reader reads them")

	wants(exitOK, elsewhere(t, i), "warn  rights: queries run as the owner of the tables: add a user with SELECT only")
	credentials, err := embedded.LoadCredentials(i.dir)
	if err != nil {
		t.Fatal(err)
	}
	lacking := append(elsewhere(t, i), "--clickhouse-user", credentials.Reader.Name, "--clickhouse-password-file", secretFile(t, credentials.Reader.Password))
	wants(exitFailed, lacking, "FAIL  rights: user parley_reader lacks INSERT ON parley_meta.*")
	swapped := append(elsewhere(t, i), "--clickhouse-reader-user", i.where.ClickHouse.BI.Name, "--clickhouse-reader-password-file", secretFile(t, i.where.ClickHouse.BI.Password))
	wants(exitFailed, swapped, "FAIL  rights: ")

	setStream(t, i, func(config *jetstream.StreamConfig) {
		config.MaxAge, config.Discard, config.MaxMsgs = time.Hour, jetstream.DiscardOld, 1000
		config.RePublish = &jetstream.RePublish{Source: ">", Destination: "copies.>"}
	})
	wants(exitFailed, nil, "FAIL  streams: PARLEY_EVENTS drops old events when it is full: set discard to new",
		"PARLEY_EVENTS drops events after 1h0m0s, whether or not they are in the tables", "PARLEY_EVENTS takes at most 1000 messages",
		"PARLEY_EVENTS is copied to another subject, which others may read: remove republish")
}

func TestDoctorJudgesVersionsAndClocks(t *testing.T) {
	for found, want := range map[string]bool{
		"2.15.2": false, "2.15.3-dev": false, "v2.16": false, "3.0.0": false, "2.15.1": true, "2.9.99": true, "2.15": true, "": true,
	} {
		if older(found, leastNATS) != want {
			t.Errorf("%q is older than %s: %t", found, leastNATS, !want)
		}
	}
	for _, c := range []struct {
		ahead, precision time.Duration
		wrong            bool
	}{
		{0, 0, false}, {mostSkew, 0, false}, {-mostSkew, 0, false}, {mostSkew + time.Second, 2 * time.Second, false},
		{mostSkew + time.Second, 0, true}, {-mostSkew - time.Second, 0, true},
	} {
		if _, err := clock("server", c.ahead, c.precision); (err != nil) != c.wrong {
			t.Errorf("%v ± %v: %v", c.ahead, c.precision, err)
		}
	}
}
