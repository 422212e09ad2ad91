package tables

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// TestViewsReadLittleMoreThanTheRangeAsked fills a year with conversations of five projects, in the
// order in which they began and shuffled, and counts what statements on a day and a month read: of
// what is merged, and of what comes in in order.
func TestViewsReadLittleMoreThanTheRangeAsked(t *testing.T) {
	server := enginetest.ClickHouse(t)
	tables := fresh(t)
	const rows, inserts, begun = 300_000, 10, "intDiv(number, 30000)"
	for _, order := range []string{begun, "cityHash64(number) % 10"} {
		fresh(t)
		up(t, tables)
		for insert := range inserts {
			const keys = " SELECT 1 + number % 5, toString(number), "
			from := fmt.Sprintf(" FROM (SELECT number, toDateTime64('2023-01-01', 3, 'UTC') + number * 105 AS at FROM numbers(%d)) WHERE %s = %d", rows, order, insert)
			// Half of the conversations are open at first, a twentieth stays so; they take up to two hours.
			const into = "INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, closed_at, _began_at, _version)" + keys
			server.Exec(t, into+"at, NULL, at, 1"+from+" AND number % 2 = 0")
			server.Exec(t, into+"at, if(number % 20 = 0, NULL, at + cityHash64(number) % 7200), at, 2"+from)
			server.Exec(t, "INSERT INTO parley_1.contacts (project_id, conversation_id, contact_id, started_at)"+keys+"'1', at"+from)
			server.Exec(t, "INSERT INTO parley_1.customers (project_id, customer_id, created_at)"+keys+"at"+from)
			server.Exec(t, "INSERT INTO parley_1.messages (project_id, conversation_id, message_id, sent_at, _began_at)"+keys+
				"toString(said), at + said * (cityHash64(number) % 1200), at FROM (SELECT *, arrayJoin(range(6)) AS said"+from+")")
			server.Exec(t, "INSERT INTO parley_1.transactions (project_id, conversation_id, transaction_id, received_at, _began_at)"+keys+"'t', at + cityHash64(number) % 7200, at"+from+" AND number % 3 = 0")
		}
		for _, state := range []string{"as inserted", "merged"} {
			for view, columns := range map[string][]string{"conversations": {"closed_at", "created_at"}, "contacts": {"started_at"}, "customers": {"created_at"},
				"messages": {"sent_at"}, "transactions": {"received_at"}} {
				if state == "merged" {
					server.Exec(t, "OPTIMIZE TABLE parley_1."+view+" FINAL")
				}
				if state == "as inserted" && (order != begun || view == "contacts") {
					continue // parts that overlap in time, until they are merged
				}
				for _, column := range columns {
					for _, condition := range []string{
						"%s >= '2023-07-05' AND %[1]s < '2023-07-06'", "project_id = 3 AND %s >= '2023-07-05' AND %[1]s < '2023-07-06'",
						"%s >= '2023-12-30'", "project_id = 2 AND %s >= '2023-04-01' AND %[1]s < '2023-05-01'",
					} {
						statement := "SELECT count() FROM parley." + view + " WHERE " + fmt.Sprintf(condition, column)
						found, read := foundAndRead(t, server, statement)
						if found == 0 || read > 3*found+20_000 {
							t.Errorf("%s, %s: %s finds %d rows and reads %d", order, state, statement, found, read)
						}
					}
				}
			}
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
