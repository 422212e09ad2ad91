package enginetest

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestMain(m *testing.M) { Main(m) }

func TestBothEnginesAnswer(t *testing.T) {
	server := NATS(t)
	nc, err := nats.Connect(server.URL, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()

	database := Database(t)
	s := ClickHouse(t)
	s.Exec(t, "CREATE TABLE "+database+".t (a Int32) ENGINE = MergeTree ORDER BY a")
	s.Exec(t, "INSERT INTO "+database+".t VALUES (1), (2)")
	if got := s.Exec(t, "SELECT sum(a) FROM "+database+".t"); got != "3" {
		t.Errorf("sum is %q", got)
	}
}
