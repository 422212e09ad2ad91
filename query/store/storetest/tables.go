package storetest

import (
	_ "embed" // the statements
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

var (
	//go:embed make_live.sql
	makeLiveSQL string
	//go:embed position.sql
	positionSQL string
	//go:embed insert.sql
	insertSQL string
)

// filled puts a projection's database and other names and numbers into a statement.
func filled(statement string, projection uint32, others ...string) string {
	return strings.NewReplacer(append(others, "$projection", clickhouse.ProjectionDatabase(projection))...).Replace(statement)
}

// MarshalJSON writes a decimal in quotes.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(a.String())), nil }

// String writes all four digits after the point.
func (a Amount) String() string {
	sign, n := "", int64(a)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%04d", sign, n/10000, n%10000)
}

// Migrate makes the tables of the projections and the last of them live.
func Migrate(t testing.TB, server *enginetest.ClickHouseServer, projections ...uint32) {
	t.Helper()
	server.Exec(t, "CREATE DATABASE IF NOT EXISTS "+clickhouse.MetaDatabase+" ENGINE = Atomic")
	for _, file := range clickhouse.Meta() {
		server.Exec(t, file.Statement)
	}
	for n, projection := range projections {
		server.Exec(t, "CREATE DATABASE IF NOT EXISTS "+clickhouse.ProjectionDatabase(projection)+" ENGINE = Atomic")
		for _, file := range clickhouse.Finished(projection) {
			server.Exec(t, file.Statement)
		}
		server.Exec(t, filled(makeLiveSQL, projection, "$version", fmt.Sprint(projection), "$rank", fmt.Sprint(n+1)))
	}
}

// Insert writes the rows into a projection.
func (w *World) Insert(t testing.TB, server *enginetest.ClickHouseServer, projection uint32) {
	t.Helper()
	insert(t, server, projection, "conversations", w.Conversations)
	insert(t, server, projection, "contacts", w.repeating(t))
	insert(t, server, projection, "transactions", w.Transactions)
	insert(t, server, projection, "messages", w.Messages)
	insert(t, server, projection, "message_texts", w.Texts)
	insert(t, server, projection, "visitors", w.Visitors)
	insert(t, server, projection, "events", w.Events)
	insert(t, server, projection, "customer_conversations", w.visits())
	insert(t, server, projection, "customers", w.Customers())
	for _, file := range clickhouse.Projection(projection) {
		if strings.HasSuffix(file.Name, "_fill_conversations_unattended.sql") {
			server.Exec(t, file.Statement)
		}
	}
}

// traits are what contacts repeat of their conversation.
type traits struct {
	Contact
	Closed           bool              `json:"_closed"`
	Answered         bool              `json:"_answered"`
	AnsweredByHuman  bool              `json:"_answered_by_human"`
	AutomationLevel  *string           `json:"_automation_level"`
	Satisfaction     *uint8            `json:"_customer_satisfaction"`
	Score            *uint8            `json:"_net_promoter_score"`
	Language         *string           `json:"_language"`
	Campaign         *string           `json:"_campaign_id"`
	CampaignName     *string           `json:"_campaign_name"`
	TagIDs           []string          `json:"_tag_ids"`
	TagNames         []*string         `json:"_tag_names"`
	ContactCount     uint32            `json:"_contact_count"`
	TransferCount    uint32            `json:"_transfer_count"`
	SnoozeCount      uint32            `json:"_snooze_count"`
	ReopenCount      uint32            `json:"_reopen_count"`
	TransactionCount uint32            `json:"_transaction_count"`
	Initiator        *string           `json:"_initiator"`
	CustomData       map[string]string `json:"_custom_data"`
	Return           *int64            `json:"_return_time_ms"`
}

// repeating returns the contacts with what they repeat of their conversations.
func (w *World) repeating(t testing.TB) []traits {
	t.Helper()
	type key struct {
		project uint32
		id      string
	}
	of := map[key]*Conversation{}
	for i := range w.Conversations {
		c := &w.Conversations[i]
		of[key{c.Project, c.ID}] = c
	}
	rows := make([]traits, len(w.Contacts))
	for i, k := range w.Contacts {
		c, found := of[key{k.Project, k.Conversation}]
		if !found {
			t.Fatalf("contact %s has no conversation", k.ID)
		}
		rows[i] = traits{k, c.ClosedAt != nil, c.Answered, c.AnsweredByHuman, c.Automation, c.Satisfaction, c.Score,
			c.Language, c.Campaign, c.CampaignName, c.TagIDs, c.TagNames, c.ContactCount, c.TransferCount, c.SnoozeCount, c.ReopenCount,
			c.TransactionCount, c.Initiator, c.CustomData, w.returned(&k)}
	}
	return rows
}

// SetPosition says how far the projection has read the log.
func SetPosition(t testing.TB, server *enginetest.ClickHouseServer, projection uint32, sequence uint64) {
	t.Helper()
	server.Exec(t, filled(positionSQL, projection, "$sequence", fmt.Sprint(sequence)))
}

func insert[R any](t testing.TB, server *enginetest.ClickHouseServer, projection uint32, table string, rows []R) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	for i := range rows {
		if err := encoder.Encode(rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	statement := filled(insertSQL, projection, "$table", table)
	if answer, err := server.Query(server.Writer, statement+body.String()); err != nil {
		t.Fatalf("%s: %v %s", table, err, answer)
	}
}

// Publish makes the stable views over a projection.
func Publish(t testing.TB, server *enginetest.ClickHouseServer, projection uint32) {
	t.Helper()
	server.Exec(t, "CREATE DATABASE IF NOT EXISTS "+clickhouse.ViewDatabase+" ENGINE = Atomic")
	for _, view := range clickhouse.Views() {
		var columns []clickhouse.Column
		table := view.Reads[0]
		rows := server.Exec(t, fmt.Sprintf("SELECT name, type, comment FROM system.columns WHERE database = '%s' AND table = '%s' FORMAT JSONEachRow", table.In(projection), table.Table))
		for line := range strings.SplitSeq(rows, "\n") {
			var c clickhouse.Column
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			columns = append(columns, c)
		}
		statement, err := view.Over(projection, table.Table, columns)
		if err != nil {
			t.Fatal(err)
		}
		server.Exec(t, statement)
	}
}
