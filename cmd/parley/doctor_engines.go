package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// The oldest servers that Parley works with.
const (
	leastNATS       = "2.15.2"
	leastClickHouse = "26"
	// mostSkew is the difference of clocks above which times of events, leases and tokens mislead.
	mostSkew = 2 * time.Second
)

// remark is something that a deployment should change although Parley works: it does not make doctor fail.
type remark struct{ text string }

// Error implements error.
func (r remark) Error() string { return r.text }

// logVersion reports the version of the NATS server.
func logVersion(broker *eventlog.Broker) (string, error) {
	found := broker.ServerVersion()
	if older(found, leastNATS) {
		return "", fmt.Errorf("nats-server is %s: upgrade it to %s or newer", found, leastNATS)
	}
	return fmt.Sprintf("parley %s, nats-server %s", version, found), nil
}

// older compares versions such as 2.15.2 and 26.7.3.1-stable number by number.
func older(found, least string) bool {
	numbers := strings.FieldsFunc(found, func(r rune) bool { return r < '0' || r > '9' })
	for i, want := range strings.Split(least, ".") {
		wanted, _ := strconv.Atoi(want) // a constant
		have := 0
		if i < len(numbers) {
			have, _ = strconv.Atoi(numbers[i]) // digits only
		}
		if have != wanted {
			return have < wanted
		}
	}
	return false
}

// logClock compares the clock of the NATS server with this machine's.
func logClock(ctx context.Context, broker *eventlog.Broker) (string, error) {
	ahead, precision, err := broker.Clock(ctx)
	if err != nil {
		return "", err
	}
	return clock("nats-server", ahead, precision)
}

// clock judges the difference of a clock to that of this machine.
func clock(server string, ahead, precision time.Duration) (string, error) {
	if ahead.Abs() > mostSkew+precision {
		return "", fmt.Errorf("the clock of %s differs by %s: synchronise both machines with NTP (chrony, systemd-timesyncd)", server, ahead.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s differs by at most %s", server, (ahead.Abs()+precision).Truncate(time.Millisecond)+time.Millisecond), nil
}

// streams reports settings of the streams that Parley does not want.
func streams(ctx context.Context, broker *eventlog.Broker) (string, error) {
	var all, faults []string
	for _, stream := range []*eventlog.Stream{broker.Events(), broker.Rejected()} {
		found, wrong, err := stream.Inspect(ctx)
		if err != nil {
			return "", err
		}
		all, faults = append(all, found), append(faults, wrong...)
	}
	if len(faults) > 0 {
		return "", errors.New(strings.Join(faults, "; "))
	}
	return strings.Join(all, ", "), nil
}

// copies reports logs and buckets that have fewer copies than they should.
func copies(ctx context.Context, broker *eventlog.Broker) (string, error) {
	c, err := broker.Copies(ctx)
	if err != nil {
		return "", err
	}
	if c.Cluster == "" {
		return "the NATS server is alone", nil
	}
	var faults []string
	if len(c.Single) > 0 {
		faults = append(faults, fmt.Sprintf("%s have one copy in the cluster %s and are lost with their server: start every role with --nats-replicas 3", strings.Join(c.Single, ", "), c.Cluster))
	}
	if len(c.Leaderless) > 0 {
		faults = append(faults, fmt.Sprintf("%s have no leader, and cannot be used until more servers of the cluster %s run and reach each other", strings.Join(c.Leaderless, ", "), c.Cluster))
	}
	for _, server := range slices.Sorted(maps.Keys(c.Away)) {
		faults = append(faults, fmt.Sprintf("server %s of the cluster %s does not run or cannot be reached, so %d of %d logs and buckets have a copy less: start it",
			server, c.Cluster, len(c.Away[server]), c.Streams))
	}
	if len(faults) > 0 {
		return "", errors.New(strings.Join(faults, "; "))
	}
	var behind []string
	for _, server := range slices.Sorted(maps.Keys(c.Behind)) {
		behind = append(behind, fmt.Sprintf("server %s is catching up with %s", server, strings.Join(c.Behind[server], ", ")))
	}
	if len(behind) > 0 {
		return "", remark{strings.Join(behind, "; ")}
	}
	return fmt.Sprintf("%d logs and buckets have at least %d copies in the cluster %s, all up to date", c.Streams, c.Fewest, c.Cluster), nil
}

// tablesServer reports the version and the clock of ClickHouse.
func tablesServer(ctx context.Context, t *tables.Tables) (string, error) {
	found, ahead, precision, err := t.Server(ctx)
	if err != nil {
		return "", err
	}
	if older(found, leastClickHouse) {
		return "", fmt.Errorf("ClickHouse is %s: upgrade it to %s or newer", found, leastClickHouse)
	}
	within, err := clock("ClickHouse", ahead, precision)
	return "ClickHouse " + found + ", whose clock " + strings.TrimPrefix(within, "ClickHouse "), err
}

// tableRights compares the rights of the users of ClickHouse with those that they need.
func tableRights(ctx context.Context, e *engines.Engines, owner *tables.Tables) (string, error) {
	reader := owner
	if e.Reader.User != e.Writer.User {
		var err error
		if reader, err = e.DialReader(ctx); err != nil {
			return "", fmt.Errorf("the user for queries: %w", err)
		}
		defer func() { _ = reader.Close() }() // nothing was written
	}
	var remarks []string
	if reader == owner {
		remarks = append(remarks, "queries run as the owner of the tables: add a user with SELECT only, as --clickhouse-reader-user")
	}
	for _, user := range []struct {
		name   string
		as     *tables.Tables
		rights tables.Rights
	}{{e.Writer.User, owner, tables.OwnerRights()}, {e.Reader.User, reader, tables.ReaderRights()}} {
		having, err := user.as.Having(ctx, user.rights.Needs)
		if err != nil {
			return "", err
		}
		missing := slices.DeleteFunc(user.rights.Needs, func(right string) bool { return slices.Contains(having, right) })
		if len(missing) > 0 {
			return "", fmt.Errorf("user %s lacks %s: see projector/tables/doc.go for the grants", user.name, strings.Join(missing, ", "))
		}
		excess, err := user.as.Having(ctx, user.rights.Excess)
		if err != nil {
			return "", err
		}
		if len(excess) > 0 {
			remarks = append(remarks, fmt.Sprintf("user %s may do more than it needs: revoke %s", user.name, strings.Join(excess, ", ")))
		}
		if reader == owner {
			break
		}
	}
	if len(remarks) > 0 {
		return "", remark{strings.Join(remarks, "; ")}
	}
	return fmt.Sprintf("%s owns the tables, %s reads them", e.Writer.User, e.Reader.User), nil
}

// position compares the position of the live tables with the last sequence of the log.
func position(ctx context.Context, t *tables.Tables, last uint64) (string, error) {
	live, err := t.Live(ctx)
	if err != nil {
		return "", err
	}
	s, err := sink.Open(ctx, t.Conn(), sink.Options{Projection: live})
	if err != nil {
		return "", err
	}
	reached, _, err := s.Position(ctx, projector.LogEvents)
	if err != nil {
		return "", err
	}
	if uint64(reached) > last {
		return "", fmt.Errorf("tables are at sequence %d but the log ends at %d: the log was replaced by an older copy or another one: %s", reached, last, eventlog.Remedy)
	}
	behind := projector.Progress{Position: reached, Last: schema.Sequence(last)}.Lag()
	return fmt.Sprintf("%d of %d, about %d records behind", reached, last, behind), nil
}
