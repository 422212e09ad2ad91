package tables

import (
	"context"
	"fmt"

	"github.com/parley-analytics/parley/schema"
)

// BackupFolders are the folders of the server's folder for backups that [Tables.Backup] makes, and
// [Tables.Restore] reads.
func BackupFolders() []string { return []string{"positions", "tables"} }

// Backup copies a version, with what is known of all versions, into folders of the server, which must
// not exist. The positions are copied first, and returned: the rows may be ahead of them, as after
// a crash.
func (t *Tables) Backup(ctx context.Context, version uint32) (map[string]schema.Sequence, error) {
	at, err := t.Positions(ctx, version)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{backupPositionsSQL, backupTablesSQL} {
		if err := t.conn.Exec(ctx, of(statement, version)); err != nil {
			return nil, fmt.Errorf("back up version %d: %w", version, err)
		}
	}
	return at, nil
}

// Restore makes the tables of a backup on a server that has none, and drops what it has no tables of:
// only the version of the backup is left.
func (t *Tables) Restore(ctx context.Context, version uint32) error {
	for _, statement := range []string{restoreTablesSQL, restorePositionsSQL} {
		if err := t.conn.Exec(ctx, of(statement, version)); err != nil {
			return fmt.Errorf("restore version %d: %w", version, err)
		}
	}
	if err := t.DropAllBut(ctx, version); err != nil {
		return err
	}
	return t.Up(ctx)
}
