package embedded_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
)

func TestTheReserveIsAPartOfTheDisk(t *testing.T) {
	dir := t.TempDir()
	if kept, err := embedded.KeptFree(dir, 0); err != nil || kept < 32<<20 || kept > 256<<20 {
		t.Errorf("%d, %v", kept, err)
	}
	if kept, err := embedded.KeptFree(dir, 5); err != nil || kept != 5 {
		t.Errorf("%d, %v", kept, err)
	}
	if err := embedded.Room(dir, 1); err != nil {
		t.Error(err)
	}
	if err := embedded.Room(dir, math.MaxInt64); err == nil || !strings.Contains(err.Error(), "are free on the disk of "+dir) {
		t.Error(err)
	}
	if _, err := embedded.KeptFree(dir+"/missing", 0); err == nil {
		t.Error("a folder that is missing has space")
	}
}

// TestInsertsAreRefusedBelowTheReserve keeps more free than any disk has: rows are refused with 243, and what is there can be read and dropped.
func TestInsertsAreRefusedBelowTheReserve(t *testing.T) {
	c := config(t.TempDir())
	c.KeepFree = 1 << 60
	_, client := start(t, c)
	for _, c := range []struct{ sql, want string }{
		{"CREATE DATABASE parley_test_filling ENGINE = Atomic", ""},
		{"CREATE TABLE parley_test_filling.up (x UInt8) ENGINE = MergeTree ORDER BY x", ""},
		{"INSERT INTO parley_test_filling.up SELECT 1", "NOT_ENOUGH_SPACE"},
		{"SELECT count() FROM parley_test_filling.up", "0"},
		{"DROP TABLE parley_test_filling.up SYNC", ""},
	} {
		got, err := client.Query(client.Writer, c.sql)
		if refused := strings.HasPrefix(c.sql, "INSERT"); (err != nil) != refused || !strings.Contains(fmt.Sprint(got, err), c.want) {
			t.Errorf("%s: %s, %v", c.sql, got, err)
		}
	}
}
