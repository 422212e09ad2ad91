package tables

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// maxRounds bounds the rounds of [Tables.Up]: databases, the list of what was applied,
// the version, the other tables of parley_meta, the first projection, its tables, the views,
// and as many again for another process that does the same.
const maxRounds = 16

// PendingError names what a server lacks.
type PendingError struct{ Missing []string }

// Error lists what is missing.
func (e *PendingError) Error() string {
	return "the ClickHouse tables are not up to date; missing or changed: " + strings.Join(e.Missing, ", ") +
		" (start once with --migrate, or apply them with the rights of the writer)"
}

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
		for _, s := range steps {
			if err := t.apply(ctx, s); err != nil {
				return fmt.Errorf("migrate: %s: %w", s.name, err)
			}
		}
	}
	return errors.New("migrate: the server does not record applied files")
}

// Check returns a [*PendingError] when the server is not up to date.
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
	return &PendingError{Missing: missing}
}

// step is one statement to apply.
type step struct {
	name      string // name in migrations once applied
	statement string
	noted     bool   // whether migrations says that it was applied
	sum       string // what it says of it where that is not the statement's checksum
}

// apply runs the statement of a step and notes it, in this order: a crash in
// between repeats the statement.
func (t *Tables) apply(ctx context.Context, s step) error {
	if s.statement != "" {
		if err := t.execute(ctx, s.statement); err != nil {
			return err
		}
	}
	if !s.noted {
		return nil
	}
	return t.execute(ctx, noteAppliedSQL, clickhouse.Named("name", s.name), clickhouse.Named("checksum", s.checksum()))
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
