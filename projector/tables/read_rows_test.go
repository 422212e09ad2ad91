package tables

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema/definition"
)

// unbounded are the times by which views cannot be read: a statement with such a condition reads all rows that the other
// conditions leave.
var unbounded = map[string]string{
	"routings.routed_at":         "of a part of a conversation; conversation_created_at bounds it",
	"snoozes.snoozed_at":         "the same",
	"snoozes.until":              "the same",
	"transfers.transferred_at":   "the same",
	"state_changes.changed_at":   "the same",
	"customers.updated_at":       "a customer comes back at any time",
	"customers.last_chat_at":     "the same",
	"operators.first_contact_at": "added up from all contacts",
	"operators.last_contact_at":  "the same",
	"sellers.created_at":         "sorted by seller; there are few",
	"sellers.updated_at":         "the same",
	"sellers.last_message_at":    "the same",
}

// TestViewsReadLittleMoreThanTheRangeAsked fills a year with conversations of five projects, in the
// order in which they began and shuffled, and counts what statements on a day and a month read by every time of
// every view: of what is merged, and of what comes in in order. PARLEY_BENCH_CONVERSATIONS says how many conversations
// there are; 60,000 without it.
func TestViewsReadLittleMoreThanTheRangeAsked(t *testing.T) {
	server := enginetest.ClickHouse(t)
	tables := fresh(t)
	count := 60_000
	if text := os.Getenv("PARLEY_BENCH_CONVERSATIONS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const inserts, begun = 4, "intDiv(number * 4, {count})"
	for _, order := range []string{begun, "cityHash64(number) % 4"} {
		fresh(t)
		up(t, tables)
		for insert := range inserts {
			condition := fmt.Sprintf("%s = %d", order, insert)
			for _, statement := range yearOfRows {
				server.Exec(t, strings.NewReplacer("{rows}", fmt.Sprintf(
					"(SELECT number, toDateTime64('2023-01-01', 3, 'UTC') + intDiv(number * 31500000, %d) AS at, at + cityHash64(number) %% 7200 AS later FROM numbers(%[1]d) WHERE %s)",
					count, strings.ReplaceAll(condition, "{count}", strconv.Itoa(count)))).Replace(statement))
			}
		}
		for _, state := range []string{"as inserted", "merged"} {
			if state == "merged" {
				for _, table := range []string{"conversations", "contacts", "transactions", "messages", "events_by_time", "customers", "quarantine"} {
					server.Exec(t, "OPTIMIZE TABLE parley_1."+table+" FINAL")
				}
			}
			for _, view := range definition.Tables() {
				if state == "as inserted" && (order != begun || view.Name == "contacts") {
					continue // parts that overlap in time, until they are merged
				}
				for _, column := range view.Columns {
					if strings.Contains(column.Type, "DateTime64") && unbounded[view.Name+"."+column.Name] == "" {
						readRange(t, server, order+", "+state, view, column.Name)
					}
				}
			}
		}
	}
}

// yearOfRows fill the tables. Half of the conversations are open at first, a twentieth stays so; they take up to two hours.
var yearOfRows = []string{
	"INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, closed_at, _began_at, _version) SELECT 1 + number % 5, toString(number), at, NULL, at, 1 FROM {rows} WHERE number % 2 = 0",
	`INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, closed_at, first_closed_at, satisfaction_answered_at, tag_ids, tag_names, _users, _routing, _marks, _began_at, _version)
		SELECT 1 + number % 5, toString(number), at, if(number % 20 = 0, NULL, later) AS closed, closed, if(number % 4 = 0, closed + number % 200000, NULL), ['t'], [NULL],
			[(number % 200, 'BOT', NULL, NULL)], [(at, 'r', NULL, NULL, NULL)],
			arrayMap(type -> ('e', at, 0, type, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, at, NULL),
				['parley.conversation.snoozed.v1', 'parley.conversation.transferred.v1']), at, 2 FROM {rows}`,
	`INSERT INTO parley_1.contacts (project_id, conversation_id, contact_id, started_at, ended_at, operator_id)
		SELECT 1 + number % 5, toString(number), '1', at, if(number % 20 = 0, NULL, later), number % 200 FROM {rows}`,
	"INSERT INTO parley_1.customers (project_id, customer_id, created_at) SELECT 1 + number % 5, toString(number), at FROM {rows}",
	`INSERT INTO parley_1.messages (project_id, conversation_id, message_id, sent_at, read_at, deleted_at, _began_at)
		SELECT 1 + number % 5, toString(number), toString(said), at + said * (cityHash64(number) % 1200) AS sent, if(said % 2 = 0, sent + 300, NULL), if(number % 50 = said, sent + 7200, NULL), at
		FROM (SELECT *, arrayJoin(range(4)) AS said FROM {rows})`,
	`INSERT INTO parley_1.transactions (project_id, conversation_id, transaction_id, received_at, _began_at)
		SELECT 1 + number % 5, toString(number), 't', later, at FROM {rows} WHERE number % 3 = 0`,
	`INSERT INTO parley_1.events_by_time (project_id, conversation_id, event_id, time, sequence, received_at)
		SELECT 1 + number % 5, toString(number), toString(n), at + n * (cityHash64(number) % 1200) AS time, number * 16 + n, time + 5
		FROM (SELECT *, arrayJoin(range(4)) AS n FROM {rows})`,
	"INSERT INTO parley_1.quarantine (log, sequence, received_at) SELECT ['events', 'rejected'][1 + number % 2], number, at FROM {rows} WHERE number % 10 = 0",
}

// readRange reads a view by a time.
func readRange(t *testing.T, server *enginetest.ClickHouseServer, state string, view definition.Table, column string) {
	t.Helper()
	conditions := []string{"%s >= '2023-07-05' AND %[1]s < '2023-07-06'", "%s >= '2023-12-27'"}
	if view.Columns[0].Name == "project_id" {
		conditions = append(conditions, "project_id = 3 AND %s >= '2023-07-05' AND %[1]s < '2023-07-06'", "project_id = 2 AND %s >= '2023-04-01' AND %[1]s < '2023-05-01'")
	}
	for _, condition := range conditions {
		statement := "SELECT count() FROM parley." + view.Name + " WHERE " + fmt.Sprintf(condition, column)
		found, read := foundAndRead(t, server, statement)
		t.Logf("%s: %s finds %d rows and reads %d", state, statement, found, read)
		if found == 0 || read > 3*found+20_000 {
			t.Errorf("%s: %s finds %d rows and reads %d", state, statement, found, read)
		}
	}
}

// foundAndRead runs a statement that counts, and returns how many rows it found and how many were read for it.
func foundAndRead(t *testing.T, server *enginetest.ClickHouseServer, statement string) (found, read int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr+"/?wait_end_of_query=1", strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(server.Writer.Name, server.Writer.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if found, err = strconv.Atoi(strings.TrimSpace(string(body))); err != nil {
		t.Fatalf("%s: %s", statement, body)
	}
	var summary struct {
		Read int `json:"read_rows,string"`
	}
	if err := json.Unmarshal([]byte(response.Header.Get("X-ClickHouse-Summary")), &summary); err != nil {
		t.Fatal(err)
	}
	return found, summary.Read
}
