package query_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
)

// concurrencyColumns writes the figures of a bucket as the columns of its statement.
func concurrencyColumns(t *testing.T, bucket map[string]any) map[string]string {
	t.Helper()
	columns := map[string]string{"step": "", "peak_at": ""}
	for field, column := range map[string]string{
		"contacts": "contacts", "contactsPerHour": "contacts_per_hour", "handleTimeMs": "handle_time_ms", "busyTimeMs": "busy_time_ms",
		"average": "average", "averageWhileBusy": "average_while_busy", "peak": "peak",
	} {
		columns[column] = number(bucket[field])
	}
	for column, field := range map[string]string{"step": "from", "peak_at": "peakAt"} {
		columns[column] = "null"
		if text, is := bucket[field].(string); is {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			columns[column] = at.UTC().Format("2006-01-02 15:04:05.000")
		}
	}
	return columns
}

// TestPublishedStatementsComputeConcurrency runs the statements as the user of dashboards, and compares each figure of each bucket.
func TestPublishedStatementsComputeConcurrency(t *testing.T) {
	r := published(t)
	dice := rand.New(rand.NewPCG(19, 2))
	const figures = `from value contacts contactsPerHour handleTimeMs busyTimeMs average averageWhileBusy peak peakAt sql`
	figuresCompared := 0
	for arguments, column := range map[string]string{
		"":                     "",
		"by: OPERATOR":         "operator",
		"by: GROUP, step: DAY": "routing_group",
		"step: QUARTER_HOUR":   "",
		`by: CHANNEL, step: HOUR, timeZone: "Asia/Kathmandu"`:                                                                                                 "channel",
		`by: OPERATOR, step: WEEK, timeZone: "Australia/Lord_Howe", filters: {tagIds: ["vip", "` + hostile[0] + `"]}`:                                         "operator",
		`by: CHANNEL, step: DAY, contactFilters: {operatorKinds: [PROFESSIONAL, BOT], waitMs: {min: 0}}`:                                                      "channel",
		`by: GROUP, filters: {inBusinessHours: true, answered: true, visitorIds: ["visitor 1", "visitor 2", "visitor 3", "visitor 4", "` + hostile[1] + `"]}`: "routing_group",
		`by: OPERATOR, filters: {projectIds: 77}`:                                                                                                             "operator",
	} {
		var answer struct {
			Concurrency struct {
				SQL     string
				Total   map[string]any
				Buckets []map[string]any
			}
		}
		decode(t, r, `{ concurrency(interval: {from: "2020-03-26T10:10:00.5Z", to: "2020-03-30T02:03:04Z"}, `+arguments+`) { sql total { `+figures+` } buckets { `+figures+` } } }`, &answer)
		c := answer.Concurrency
		want := map[string]map[string]string{}
		for _, bucket := range c.Buckets {
			columns := concurrencyColumns(t, bucket)
			if columns["handle_time_ms"] != "0" || columns["contacts"] != "0" {
				want[fmt.Sprint(columns["step"], " ", number(bucket["value"]))] = columns
			}
		}
		found := map[string]map[string]string{}
		for _, row := range r.asDashboard(t, c.SQL) {
			key := fmt.Sprint(row["step"], " ", number(row[column]))
			if column == "" {
				key = fmt.Sprint(row["step"], " null")
			}
			delete(row, column)
			found[key] = columnsOfRow(row)
		}
		// A contact may be open in a step for no time at all.
		maps.DeleteFunc(found, func(key string, columns map[string]string) bool {
			return want[key] == nil && columns["handle_time_ms"] == "0" && columns["contacts"] == "0"
		})
		if len(want) != len(found) || len(want) == 0 && arguments[len(arguments)-3:] != "77}" {
			t.Fatalf("%s: %d rows, want %d, of\n%s", arguments, len(found), len(want), c.SQL)
		}
		for key := range want {
			figuresCompared += equalColumns(t, arguments+" "+key+"\n"+c.SQL, found[key], want[key])
		}
		some := []map[string]any{c.Total}
		if len(c.Buckets) > 0 {
			some = append(some, c.Buckets[dice.IntN(len(c.Buckets))])
		}
		for _, bucket := range some {
			rows := r.asDashboard(t, bucket["sql"].(string))
			if len(rows) == 0 {
				rows = []map[string]any{{"step": concurrencyColumns(t, bucket)["step"], "contacts": 0, "contacts_per_hour": 0, "handle_time_ms": 0, "busy_time_ms": 0,
					"average": 0, "average_while_busy": nil, "peak": 0, "peak_at": nil}}
			}
			figuresCompared += equalColumns(t, fmt.Sprint(arguments, "\n", bucket["sql"]), columnsOfRow(rows[0]), concurrencyColumns(t, bucket))
		}
	}
	if figuresCompared < 1_000 {
		t.Errorf("only %d figures were compared", figuresCompared)
	}
}

// TestPublishedStatementsComputeTransfers compares the matrix, and the statement of each pair.
func TestPublishedStatementsComputeTransfers(t *testing.T) {
	r := published(t)
	for by, column := range map[string]string{"OPERATOR": "operator", "OPERATOR_KIND": "operator_kind", "GROUP": "routing_group", "RULE": "routing_rule"} {
		for _, more := range []string{"", `, filters: {tagIds: ["vip", "` + hostile[0] + `"], answered: true}`, `, contactFilters: {waitMs: {}}, filters: {projectIds: [1, 2], visitorIds: ["visitor 1", "visitor 2"]}`} {
			arguments := `(interval: {from: "2020-03-22T00:00:00Z", to: "2020-04-08T00:00:00Z"}, by: ` + by + more + `)`
			type end struct{ Value any }
			var answer struct {
				TransfersSQL string `json:"transfersSql"`
				Transfers    []struct {
					From, To end
					Count    int
					SQL      string
				}
			}
			decode(t, r, `{ transfersSql`+arguments+` transfers`+arguments+` { from { value } to { value } count sql } }`, &answer)
			pair := func(row map[string]any) string {
				return number(row["from_"+column]) + " → " + number(row["to_"+column]) + " " + number(row["transferred_contacts"])
			}
			want, found := map[string]bool{}, map[string]bool{}
			for i, one := range answer.Transfers {
				of := fmt.Sprint(number(one.From.Value), " → ", number(one.To.Value), " ", one.Count)
				want[of] = true
				if i > 2 {
					continue
				}
				if rows := r.asDashboard(t, one.SQL); len(rows) != 1 || pair(rows[0]) != of {
					t.Errorf("%s: %v, want %s, of\n%s", arguments, rows, of, one.SQL)
				}
			}
			for _, row := range r.asDashboard(t, answer.TransfersSQL) {
				found[pair(row)] = true
			}
			if len(want) == 0 || !maps.Equal(want, found) {
				t.Errorf("%s: %v, want %v, of\n%s", arguments, found, want, answer.TransfersSQL)
			}
		}
	}
}

// TestPublishedStatementsAreTheRowsOfLists compares the rows of statements with those of the lists, in their order.
func TestPublishedStatementsAreTheRowsOfLists(t *testing.T) {
	r := published(t)
	type listed struct {
		SQL        *string
		TotalCount int
		Edges      []struct{ Node struct{ ID string } }
	}
	var rows struct {
		Metrics struct {
			Total struct{ Contacts string }
		}
		Until struct{ Total map[string]string }
	}
	states := []query.Count{query.CountCreated, query.CountClosings, query.CountFirstClosing, query.CountOpen, query.CountSnoozedAtEnd, query.CountUnattended}
	var handles strings.Builder
	for _, of := range states {
		fmt.Fprintf(&handles, " %[1]s: rows(of: %[1]s)", of)
	}
	decode(t, r, `{ metrics(`+always+`) { total { contacts: rows(of: TRANSFERRED_CONTACTS) } }
		until: metrics(interval: {from: "2020-03-24T00:00:00Z", to: "2020-04-06T12:00:00Z"}) { total {`+handles.String()+` } } }`, &rows)
	lists := map[string]string{}
	for _, of := range states {
		lists[`conversations(`+always+`, filters: {rows: "`+rows.Until.Total[string(of)]+`"})`] = "conversation_id"
	}
	for _, state := range []string{"OPEN", "SNOOZED", "WAITING", "CLOSED"} {
		lists[`conversations(`+always+`, state: `+state+`)`] = "conversation_id"
	}
	maps.Copy(lists, map[string]string{
		`closedConversations(` + always + `)`: "conversation_id",
		`closedConversations(` + always + `, orderBy: CLOSED_AT_DESC, filters: {tagIds: ["vip", "` + hostile[0] + `"], hasConversion: true, customerSatisfaction: [1, 5]})`: "conversation_id",
		`conversations(` + always + `, orderBy: CREATED_AT_DESC, contactFilters: {ongoing: true, operatorKinds: [PROFESSIONAL]})`:                                           "conversation_id",
		`contacts(` + always + `, orderBy: STARTED_AT_DESC)`:                               "contact_id",
		`contacts(` + always + `, filters: {rows: "` + rows.Metrics.Total.Contacts + `"})`: "contact_id",
	})
	for arguments, column := range lists {
		var answer struct{ List listed }
		decode(t, r, `{ list: `+arguments+` { sql totalCount edges { node { id } } } }`, &answer)
		if answer.List.SQL == nil {
			t.Fatalf("%s has no statement", arguments)
		}
		found := r.asDashboard(t, *answer.List.SQL)
		if len(found) != answer.List.TotalCount || len(found) == 0 {
			t.Fatalf("%s: %d rows, want %d, of\n%s", arguments, len(found), answer.List.TotalCount, *answer.List.SQL)
		}
		for i, edge := range answer.List.Edges {
			if found[i][column] != edge.Node.ID {
				t.Fatalf("%s: row %d is %v, want %s, of\n%s", arguments, i, found[i][column], edge.Node.ID, *answer.List.SQL)
			}
		}
	}
}

// TestPublishedStatementsAreTheRowsOfConversations compares what the views show of conversations with their fields.
func TestPublishedStatementsAreTheRowsOfConversations(t *testing.T) {
	r := published(t)
	type identified []struct{ ID, TransactionID string }
	var answer struct {
		ClosedConversations struct {
			Edges []struct {
				Node struct {
					ID                                              string
					ContactCount, VisitorMessageCount, ReopenCount  int
					OperatorMessageCount                            int
					Contacts                                        identified
					Conversions                                     struct{ Transactions identified }
					Row, OfContacts, OfMessages, OfSales, OfChanges string
				}
			}
		}
	}
	decode(t, r, `{ closedConversations(`+always+`, first: 12, filters: {hasConversion: true}) { edges { node {
		id contactCount visitorMessageCount operatorMessageCount reopenCount contacts { id } conversions { transactions { transactionId } }
		row: sql ofContacts: sql(of: CONTACTS) ofMessages: sql(of: MESSAGES) ofSales: sql(of: TRANSACTIONS) ofChanges: sql(of: STATE_CHANGES) } } } }`, &answer)
	if len(answer.ClosedConversations.Edges) != 12 {
		t.Fatalf("%d conversations", len(answer.ClosedConversations.Edges))
	}
	column := func(statement, name string) (values []string) {
		for _, row := range r.asDashboard(t, statement) {
			values = append(values, fmt.Sprint(row[name]))
		}
		return values
	}
	for _, edge := range answer.ClosedConversations.Edges {
		c := edge.Node
		var contacts, sales []string
		for _, one := range c.Contacts {
			contacts = append(contacts, one.ID)
		}
		for _, one := range c.Conversions.Transactions {
			sales = append(sales, one.TransactionID)
		}
		if got := column(c.Row, "conversation_id"); !slices.Equal(got, []string{c.ID}) {
			t.Errorf("%v of %s", got, c.Row)
		}
		if got := column(c.OfContacts, "contact_id"); !slices.Equal(got, contacts) {
			t.Errorf("contacts %v, want %v, of %s", got, contacts, c.OfContacts)
		}
		if got := column(c.OfSales, "transaction_id"); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(sales))) {
			t.Errorf("transactions %v, want %v, of %s", got, sales, c.OfSales)
		}
		if got := column(c.OfMessages, "message_id"); len(got) != c.VisitorMessageCount+c.OperatorMessageCount {
			t.Errorf("%d messages, want %d, of %s", len(got), c.VisitorMessageCount+c.OperatorMessageCount, c.OfMessages)
		}
		if got := column(c.OfChanges, "change"); len(got) == 0 || got[0] != "CREATED" {
			t.Errorf("%v of %s", got, c.OfChanges)
		}
	}
}
