package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// TestClickHouseThatDoesNotStartIsStartedAgain has a table in its data that cannot be
// read, until it is removed.
func TestClickHouseThatDoesNotStartIsStartedAgain(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	broken := filepath.Join(c.Dir, "data", "metadata", "broken.sql")
	if err := os.MkdirAll(filepath.Dir(broken), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, []byte("no statement"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := embedded.LaunchClickHouse(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	eventually(t, "the reason", func() bool {
		err := server.Ready()
		return err != nil && strings.Contains(err.Error(), "exited")
	})
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a child that answers", func() bool { return server.Ready() == nil })
}
