package tables

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Server returns the version of ClickHouse, and by how much its clock is ahead of this machine's, which is known to half of the time of
// a request.
func (t *Tables) Server(ctx context.Context) (version string, ahead, precision time.Duration, err error) {
	if err := t.conn.Ping(ctx); err != nil { // a new connection takes longer
		return "", 0, 0, err
	}
	sent := time.Now()
	var now time.Time
	if err := t.conn.QueryRow(ctx, serverSQL).Scan(&version, &now); err != nil {
		return "", 0, 0, fmt.Errorf("server: %w", err)
	}
	half := time.Since(sent) / 2
	return version, now.Sub(sent.Add(half)), half, nil
}

// Rights are the rights of a user, such as INSERT ON parley_meta.*: those that Parley needs, and examples
// of those that it does not need and an attacker could abuse.
type Rights struct{ Needs, Excess []string }

// OwnerRights are those of the user that owns the tables.
func OwnerRights() Rights { return Rights{lines(ownerNeeds), lines(ownerExcess)} }

// ReaderRights are those of the user for queries.
func ReaderRights() Rights { return Rights{lines(readerNeeds), lines(readerExcess)} }

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// Having returns those of the rights that the user has.
func (t *Tables) Having(ctx context.Context, rights []string) (having []string, err error) {
	for _, right := range rights {
		var granted uint8
		if err := t.conn.QueryRow(ctx, strings.ReplaceAll(maySQL, "$privilege", right)).Scan(&granted); err != nil {
			return nil, fmt.Errorf("rights: %w", err)
		}
		if granted == 1 {
			having = append(having, right)
		}
	}
	return having, nil
}
