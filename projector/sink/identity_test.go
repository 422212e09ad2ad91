package sink

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// unkeyed is the hash that once identified events: xxh3 over the parts of a key.
func unkeyed(k schema.EventKey) xxh3.Uint128 {
	b := binary.LittleEndian.AppendUint32(nil, uint32(k.Project))
	b = binary.AppendUvarint(b, uint64(len(k.Source)))
	b = append(b, k.Source...)
	return xxh3.Hash128(append(b, k.ID...))
}

// colliding returns two event keys of letters and digits with one xxh3 hash. That
// hash adds products of the two halves of words of 8 bytes, each xored with a
// constant of its place. Two words whose upper halves are equal after the xor can
// exchange a bit of their lower halves where both constants have a 0.
func colliding(project schema.ProjectID) (one, other schema.EventKey) {
	const (
		before = 9           // bytes in front of the id
		first  = 24 - before // the fourth word of the first stripe of 64 bytes
		second = 128 + first // and of the third
	)
	id := []byte(strings.Repeat("0", schema.MaxIDBytes))
	copy(id[first+4:], "0uaz")
	for i, constants := range []byte{0xb7 ^ 0xcc, 0xb3 ^ 0xff, 0x67 ^ 0x72, 0x1f ^ 0x21} {
		id[second+4+i] = id[first+4+i] ^ constants
	}
	id[first] = '4'
	one = schema.EventKey{Project: project, Source: "test", ID: string(id)}
	id[first], id[second] = '0', '4'
	other = schema.EventKey{Project: project, Source: "test", ID: string(id)}
	return one, other
}

func TestEventsWhoseKeysCollideUnderXXH3AreTwo(t *testing.T) {
	one, other := colliding(5)
	if unkeyed(one) != unkeyed(other) || one == other {
		t.Fatalf("no collision: %q, %q", one.ID, other.ID)
	}
	s := empty(t, Options{})
	log := archived(foldtest.Realistic(foldtest.Seeded(5), foldtest.Conversation(5, 1), 1_700_000_000_000)[:1], 1)
	log[0].Event.Source, log[0].Event.ID = one.Source, one.ID
	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 1, Events: log}); err != nil {
		t.Fatal(err)
	}
	known, err := s.Known(t.Context(), []schema.EventKey{one, other})
	if err != nil || len(known) != 1 || known[one] != 1 {
		t.Errorf("known are %v (%v)", known, err)
	}
}

// TestHashesAreFilledFromTheArchive has the tables of the version before, and a
// migration that was cut off after the fill.
func TestHashesAreFilledFromTheArchive(t *testing.T) {
	s := empty(t, Options{})
	log := archived(foldtest.Realistic(foldtest.Seeded(6), foldtest.Conversation(70_000, 1), 1_700_000_000_000), 1)
	log[0].Event.Source = "Quelle/" + strings.Repeat("ä", 300)
	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 100, Events: log}); err != nil {
		t.Fatal(err)
	}
	server, database := enginetest.ClickHouse(t), ddl.ProjectionDatabase(s.options.Projection)
	hashes := func() string {
		return server.Exec(t, "SELECT key, check, sequence FROM "+database+".event_hashes FINAL ORDER BY ALL")
	}
	want := hashes()
	server.Exec(t, "TRUNCATE TABLE "+database+".event_hashes SYNC")
	for range 2 {
		server.Exec(t, "DELETE FROM parley_meta.migrations WHERE name IN ('"+database+"/projection/0025_fill_event_hashes.sql', '"+database+"/projection/0026_drop_event_keys.sql')")
		if err := tables.New(s.conn).Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := hashes(); got != want || strings.Count(got, "\n")+1 != len(log) {
			t.Errorf("%d events have the hashes\n%s, want\n%s", len(log), got, want)
		}
	}
	if left := server.Exec(t, "EXISTS TABLE "+database+".event_keys"); left != "0" {
		t.Error("event_keys is still there")
	}
}
