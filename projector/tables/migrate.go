package tables

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// maxRounds bounds the rounds of [Tables.Up]: databases, the list of what was applied,
// the version, the other tables of parley_meta, the first projection, its tables, the views,
// and as many again for another process that does the same.
const maxRounds = 16

// Up brings the server up to date. Calling it on one that is, changes nothing.
// Tables of a newer binary are a NewerError of schema/clickhouse.
func (t *Tables) Up(ctx context.Context) error {
	for range maxRounds {
		steps, err := t.pending(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if len(steps) == 0 {
			return nil
		}
		for i, s := range steps {
			progress := MigrationProgress{Step: s.name, Steps: len(steps) - i}
			if err := t.apply(ctx, s, progress); err != nil {
				return &MigrationError{Step: s.name, Err: err}
			}
		}
		if views := slices.DeleteFunc(steps, func(s step) bool { return !s.view }); len(views) > 0 {
			if err := t.note(ctx, views...); err != nil {
				return &MigrationError{Step: "views", Err: err}
			}
		}
	}
	return errors.New("migrate: the server does not record applied files")
}

// Check returns a PendingError of schema/clickhouse when the server is not up to date.
func (t *Tables) Check(ctx context.Context) error {
	steps, err := t.pending(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(steps) == 0 {
		return nil
	}
	missing := make([]string, len(steps))
	for i, s := range steps {
		missing[i] = s.name
	}
	return &ddl.PendingError{Missing: missing}
}

// CheckLive returns a PendingError of schema/clickhouse when files have not been applied
// to the live version, which cannot be read or written then.
func (t *Tables) CheckLive(ctx context.Context, live uint32) error {
	applied, err := t.applied(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if missing := ddl.Unapplied(applied, live); len(missing) > 0 {
		return &ddl.PendingError{Missing: missing}
	}
	return nil
}

// MigrationProgress is how far [Tables.Up] is.
type MigrationProgress struct {
	Step  string  // the statement that is applied
	Steps int     // statements to apply, with this one, as far as they are known
	Done  float64 // the part of this one that is applied, 0 to 1
}

// MigrationError reports a statement of [Tables.Up] that failed.
type MigrationError struct {
	Step string
	Err  error
}

// Error names the statement and the cause.
func (e *MigrationError) Error() string { return fmt.Sprintf("migrate: %s: %v", e.Step, e.Err) }

// Unwrap returns the cause.
func (e *MigrationError) Unwrap() error { return e.Err }

// step is one statement to apply.
type step struct {
	name      string // name in migrations once applied
	statement string
	noted     bool   // whether migrations says that it was applied
	sum       string // what it says of it where that is not the statement's checksum
	version   uint32 // the projection of a file that belongs to one
	instead   []step // those that it replaces, noted with it
	view      bool   // of those that are noted together after their round: making a view again does no harm
}

// apply runs the statement of a step and notes it, in this order: a crash in
// between repeats the statement. One that fails because another process has applied it
// meanwhile, and what comes after it, is done.
func (t *Tables) apply(ctx context.Context, s step, progress MigrationProgress) error {
	t.report(progress)
	if err := t.run(ctx, s, progress); err != nil {
		if applied, unread := t.applied(ctx); unread == nil && s.noted && applied[s.name] == s.checksum() {
			return nil
		}
		return err
	}
	if !s.noted || s.view {
		return nil
	}
	return t.note(ctx, append(s.instead, s)...)
}

func (t *Tables) run(ctx context.Context, s step, progress MigrationProgress) error {
	switch {
	case s.copies():
		return t.copyInPieces(ctx, s, progress)
	case s.statement != "":
		return t.execute(ctx, s.statement)
	}
	return nil
}

// note records the steps as applied, all or none.
func (t *Tables) note(ctx context.Context, steps ...step) error {
	names, checksums := make([]string, len(steps)), make([]string, len(steps))
	for i, s := range steps {
		names[i], checksums[i] = s.name, s.checksum()
	}
	return t.execute(ctx, noteAppliedSQL, clickhouse.Named("names", names), clickhouse.Named("checksums", checksums))
}

func (t *Tables) report(progress MigrationProgress) {
	if t.Report != nil {
		t.Report(progress)
	}
}

func (t *Tables) execute(ctx context.Context, statement string, parameters ...any) error {
	if err := t.conn.Exec(ctx, statement, parameters...); err != nil {
		return err
	}
	if t.At != nil {
		t.At("statement")
	}
	return nil
}

func (s step) checksum() string {
	if s.sum != "" {
		return s.sum
	}
	sum := sha256.Sum256([]byte(s.statement))
	return hex.EncodeToString(sum[:])
}
