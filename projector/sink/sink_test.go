package sink

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/sink/migrate"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func connect(t testing.TB) driver.Conn {
	t.Helper()
	server := enginetest.ClickHouse(t)
	conn, err := Dial(t.Context(), Server{URL: "http://" + server.Addr, User: server.Writer.Name, Password: server.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestHappy(t *testing.T) {
	conn := connect(t)
	if err := migrate.Up(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), conn, Options{Projection: 1, StoreText: true})
	if err != nil {
		t.Fatal(err)
	}
	rows := projector.Rows{Conversation: projector.Conversation{ConversationKey: schema.ConversationKey{Project: 1, Conversation: "c"},
		LastSequence: 7, CustomData: []schema.CustomValue{{Key: "a", Value: "1"}}, Users: []schema.User{{ID: 4, Kind: "BOT"}},
		Marks: []projector.Mark{{EventID: "e", At: 99, Type: schema.TypePushed}}},
		Contacts: []projector.Contact{{ID: "c:1", StartedAt: 1}}, Messages: []projector.Message{{ID: "m"}}, Transactions: []projector.Transaction{{ID: "t", Amount: -15}}}
	if err := s.Write(t.Context(), &projector.Batch{Log: "events", Position: 9, Changes: []projector.Change{{After: rows}}}); err != nil {
		t.Fatal(err)
	}
	t.Log(enginetest.ClickHouse(t).Exec(t, "SELECT * FROM parley_1.conversations FORMAT Vertical"))
	t.Log(enginetest.ClickHouse(t).Exec(t, "SELECT * FROM parley.transactions FORMAT Vertical"))
	t.Log(s.Position(t.Context(), "events"))
	if err := migrate.Check(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
}
