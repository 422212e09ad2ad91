package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func unwritable(err error) bool {
	var u *projector.UnwritableError
	return errors.As(err, &u)
}

func TestErrorsAreClassed(t *testing.T) {
	exception := func(code int32) error {
		return fmt.Errorf("batch: %w", &clickhouse.HTTPError{StatusCode: 500, Err: &clickhouse.Exception{Code: code, Message: "secret"}})
	}
	for _, c := range []struct {
		name                  string
		err                   error
		temporary, unwritable bool
	}{
		{"too many parts", exception(252), true, false},
		{"no memory", exception(241), true, false},
		{"decimal overflow", exception(407), false, true},
		{"null", exception(349), false, true},
		{"unknown table", exception(60), false, false},
		{"wrong password", exception(516), false, false},
		{"bad gateway", &clickhouse.HTTPError{StatusCode: 502, Err: errors.New("body")}, true, false},
		{"not found", &clickhouse.HTTPError{StatusCode: 404, Err: errors.New("body")}, false, false},
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true, false},
		{"cut off", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true, false},
		{"too slow", context.DeadlineExceeded, true, false},
		{"stopped by us", context.Canceled, false, false},
		{"value", &cellError{"t", "c", errors.New("secret")}, false, true},
	} {
		classed := classed(c.err)
		if temporary(classed) != c.temporary || unwritable(classed) != c.unwritable {
			t.Errorf("%s: temporary %v, unwritable %v", c.name, temporary(classed), unwritable(classed))
		}
		if !errors.Is(classed, c.err) {
			t.Errorf("%s: the cause is lost", c.name)
		}
		if c.unwritable && strings.Contains(classed.Error(), "secret") {
			t.Errorf("%s: the text quotes the value: %v", c.name, classed)
		}
	}
}

func TestCodesBearTheNamesOfTheServer(t *testing.T) {
	for _, codes := range []map[int32]string{transientCodes, memoryCodes, unwritableCodes} {
		for code, name := range codes {
			if got := enginetest.ClickHouse(t).Exec(t, "SELECT errorCodeToName("+strconv.Itoa(int(code))+")"); got != name {
				t.Errorf("%d is %s, not %s", code, got, name)
			}
		}
	}
}

// TestAValueThatDoesNotFitWritesNothing has one in a batch of two
// conversations.
func TestAValueThatDoesNotFitWritesNothing(t *testing.T) {
	s := empty(t, Options{})
	good, bad := full(foldtest.Conversation(1, 1)), full(foldtest.Conversation(1, 2))
	bad.After.Conversation.Revenue = map[schema.Currency]decimal.Decimal{"EUR": decimal.New(1, 60)}
	event := archived(foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 1_700_000_000_000)[:1], 1)
	batch := &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{good, bad}, Events: event}
	err := s.Write(t.Context(), batch)
	if !unwritable(err) || !strings.Contains(err.Error(), "conversations.revenue") {
		t.Errorf("error is %v", err)
	}
	for _, table := range []string{"conversations", "contacts", "events", "event_hashes", "positions"} {
		if count := enginetest.ClickHouse(t).Exec(t, s.in("SELECT count() FROM $projection."+table)); count != "0" {
			t.Errorf("%s has %s rows", table, count)
		}
	}
	batch.Changes = batch.Changes[:1]
	if err := s.Write(t.Context(), batch); err != nil {
		t.Errorf("the rest of the batch: %v", err)
	}
}

func TestAMissingTableIsNeitherTemporaryNorTheEventsFault(t *testing.T) {
	overBoth(t, testMissingTable)
}

func testMissingTable(t *testing.T, url string) {
	s := emptyOver(t, connectTo(t, url), Options{})
	enginetest.ClickHouse(t).Exec(t, s.in("DROP TABLE $projection.contacts SYNC"))
	err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{full(foldtest.Conversation(1, 1))}})
	if err == nil || temporary(err) || unwritable(err) {
		t.Errorf("error is %v", err)
	}
	if _, err := Open(t.Context(), s.conn, s.options); err == nil || !strings.Contains(err.Error(), "contacts") {
		t.Errorf("a sink over missing tables opens: %v", err)
	}
}

func TestADeadServerIsATemporaryError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	for _, scheme := range []string{"http", "clickhouse"} {
		if _, err := Dial(t.Context(), Server{URL: scheme + "://" + address}); !temporary(err) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
