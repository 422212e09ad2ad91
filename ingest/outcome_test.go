package ingest

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// refusingLog answers every append with an error, and counts them.
type refusingLog struct {
	err   error
	calls int
}

func (l *refusingLog) Append(context.Context, []eventlog.Message) ([]eventlog.Receipt, error) {
	l.calls++
	return nil, l.err
}

func TestAnswerReportsTheKnownOutcome(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		status  int
		code    string
		retries bool
	}{
		{"full", fmt.Errorf("append: %w", eventlog.ErrFull), 503, "log_full", true},
		{"foreign", fmt.Errorf("append: %w", &eventlog.ForeignError{Reason: "an older copy"}), 503, "log_foreign", true},
		{"unavailable", eventlog.ErrUnavailable, 503, "log_unavailable", true},
		{"too large", eventlog.ErrTooLarge, 413, "too_large", false},
		{"unknown", eventlog.ErrUnknownOutcome, 504, "UNKNOWN_OUTCOME", true},
		{"unknown, then full", fmt.Errorf("%w: %w", eventlog.ErrUnknownOutcome, eventlog.ErrFull), 504, "UNKNOWN_OUTCOME", true},
		{"unknown, then too large", fmt.Errorf("%w: %w", eventlog.ErrUnknownOutcome, eventlog.ErrTooLarge), 504, "UNKNOWN_OUTCOME", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rejected := &refusingLog{}
			r := newRig(t, func(config *Config) { config.Events, config.Rejected = &refusingLog{err: c.err}, rejected })
			a := r.lines(event("1"), "no event")
			if a.status != c.status || a.Problem.Error != c.code || a.header.Get("Retry-After") != "" != c.retries {
				t.Fatal(a.status, a.header, a.body)
			}
			if rejected.calls != 0 {
				t.Error("a refused request left something in the rejected log")
			}
		})
	}
}

func TestRefusedRejectionsAfterStoredEventsAreAnUnknownOutcome(t *testing.T) {
	refuse := &refusingLog{err: eventlog.ErrFull}
	r := newRig(t, func(config *Config) { config.Rejected = refuse })
	a := r.lines(event("1"), "no event")
	if a.status != 504 || a.Problem.Error != "UNKNOWN_OUTCOME" || a.header.Get("Retry-After") == "" {
		t.Fatal(a.status, a.body)
	}
	// Nothing of the repeat is new: the valid event is there already.
	if a = r.lines(event("1"), "no event"); a.status != 503 || a.Problem.Error != "log_full" {
		t.Fatal(a.status, a.body)
	}
	if n := len(stored(t, r.broker.Events())); n != 1 {
		t.Fatalf("%d events stored", n)
	}
}
