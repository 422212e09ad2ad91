package export_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/export"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/timezone"
)

// columns are the columns of a stable view.
func columns(t *testing.T, table string) []string {
	t.Helper()
	for _, view := range clickhouse.Views() {
		if view.View == table {
			return view.Shown()
		}
	}
	t.Fatalf("no view %s", table)
	return nil
}

const asJSON = " SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 0 FORMAT JSONEachRow"

var order = map[string]string{
	"conversations": "toMonday(created_at), project_id, created_at, conversation_id", // they begin when they are created
	"contacts":      "project_id, started_at, conversation_id, contact_id",
	"transactions":  "project_id, conversation_id, transaction_id",
}

func TestEachFormatContainsTheRowsOfTheView(t *testing.T) {
	r := theRig(t)
	server := r.serve(t, nil)
	for table, by := range order {
		names := columns(t, table)
		list := strings.Join(names, ", ")
		from := fmt.Sprintf("SELECT %s FROM parley_1.%s FINAL WHERE project_id IN (1, 3) ORDER BY %s", list, table, by)
		want := r.server.Exec(t, from+asJSON)
		if strings.Count(want, "\n") < 50 {
			t.Fatalf("%s: only %d rows", table, strings.Count(want, "\n"))
		}
		got := get(t, server, "1,3", table+"?format=ndjson&count=true")
		if got.status != 200 || got.broken != nil || strings.TrimSpace(got.body) != strings.TrimSpace(want) {
			t.Errorf("%s: ndjson differs: %d %v\n%.400s\n%.400s", table, got.status, got.broken, got.body, want)
		}
		if n := fmt.Sprint(strings.Count(got.body, "\n")); got.header.Get(export.HeaderRows) != n || got.header.Get(export.HeaderPosition) == "" {
			t.Errorf("%s: %s rows, %v", table, n, got.header)
		}

		got = get(t, server, "1,3", table+"?format=parquet")
		back := "parley_1.back_" + table
		r.server.Exec(t, fmt.Sprintf("CREATE TABLE %s ENGINE = Memory EMPTY AS SELECT %s FROM parley_1.%s", back, list, table))
		if said, err := r.server.Query(r.server.Writer, "INSERT INTO "+back+" FORMAT Parquet\n"+got.body); err != nil {
			t.Errorf("%s: parquet: %v %s", table, err, said)
		}
		if read := r.server.Exec(t, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", list, back, by)+asJSON); read != want {
			t.Errorf("%s: parquet differs\n%.400s\n%.400s", table, read, want)
		}

		got = get(t, server, "1,3", table+"?format=csv")
		records, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || !slices.Equal(records[0], names) {
			t.Fatalf("%s: csv: %v %v", table, err, records[0])
		}
		lines := strings.Split(strings.TrimSpace(want), "\n")
		if len(records) != len(lines)+1 {
			t.Fatalf("%s: csv has %d rows of %d", table, len(records)-1, len(lines))
		}
		for i, line := range lines {
			var row map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			for n, name := range names {
				text := string(row[name])
				if strings.HasPrefix(text, `"`) {
					if err := json.Unmarshal(row[name], &text); err != nil {
						t.Fatal(err)
					}
				}
				if text == "null" {
					text = ""
				}
				if records[i+1][n] != text {
					t.Fatalf("%s: row %d, %s = %q, want %q", table, i, name, records[i+1][n], text)
				}
			}
		}
	}
}

// ids are the values of a column of NDJSON, sorted.
func ids(t *testing.T, body, column string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(body) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		found = append(found, fmt.Sprint(row[column]))
	}
	sort.Strings(found)
	return found
}

// graphQL returns the ids of all pages of a list, sorted.
func (r *rig) graphQL(t *testing.T, field, filters string, projects ...schema.ProjectID) []string {
	t.Helper()
	ctx := query.WithCaller(t.Context(), schema.Caller{ID: "k", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{IDs: projects}})
	var found []string
	for after := ""; ; {
		answered := r.api.Schema().Exec(ctx, fmt.Sprintf(`{ list: %s(interval: {from: "2020-03-25T00:00:00Z", to: "2020-04-05T12:00:00Z"}, filters: {%s}%s) {
			pageInfo { hasNextPage endCursor } edges { node { id } } } }`, field, filters, after), "", nil)
		if len(answered.Errors) > 0 {
			t.Fatalf("%s: %v", filters, answered.Errors)
		}
		var data struct {
			List struct {
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
				Edges []struct{ Node struct{ ID string } }
			}
		}
		if err := json.Unmarshal(answered.Data, &data); err != nil {
			t.Fatal(err)
		}
		for _, edge := range data.List.Edges {
			found = append(found, edge.Node.ID)
		}
		if !data.List.PageInfo.HasNextPage {
			sort.Strings(found)
			return found
		}
		after = fmt.Sprintf(", after: %q", data.List.PageInfo.EndCursor)
	}
}

const interval = "from=2020-03-25T00:00:00Z&to=2020-04-05T12:00:00Z"

func TestEveryFilterSelectsWhatGraphQLSelects(t *testing.T) {
	r := theRig(t)
	server := r.serve(t, nil)
	some := r.world.Conversations[7]
	whole := get(t, server, "1,2,3", "conversations?"+interval).header.Get(export.HeaderPosition)
	selecting := 0
	for parameters, filters := range map[string]string{
		"":               "",
		"projectIds=1,3": "projectIds: [1, 3]",
		"projectIds=1&projectIds=3&projectIds=99": "projectIds: [1, 3, 99]",
		"projectIds=":                                   "projectIds: []",
		"channels=CHAT,SMS,WHATSAPP":                    "channels: [CHAT, SMS, WHATSAPP]",
		"answered=true":                                 "answered: true",
		"answered=false":                                "answered: false",
		"answeredByHuman=true":                          "answeredByHuman: true",
		"automationLevels=FULLY_AUTOMATED":              "automationLevels: FULLY_AUTOMATED",
		"closeReason=RESOLVED":                          `closeReason: "RESOLVED"`,
		"conversationIds=" + strings.ToUpper(some.ID):   `conversationIds: "` + some.ID + `"`,
		"visitorIds=v1,v2":                              `visitorIds: ["v1", "v2"]`,
		"customerSatisfaction=4,5":                      "customerSatisfaction: [4, 5]",
		"netPromoterScore.min=3&netPromoterScore.max=8": "netPromoterScore: {min: 3, max: 8}",
		"netPromoterScore.min=9":                        "netPromoterScore: {min: 9}",
		"campaignIds=spring":                            `campaignIds: "spring"`,
		"routingRuleIds=r1,r2":                          `routingRuleIds: ["r1", "r2"]`,
		"routingGroupIds=g1":                            `routingGroupIds: "g1"`,
		"groupIds=g1&routingGroupIds=":                  `routingGroupIds: "g1"`,
		"userIds=1,2,3":                                 "userIds: [1, 2, 3]",
		"tagIds=vip":                                    `tagIds: "vip"`,
		"tagIds=vip%5C,a,%5C%5C":                        `tagIds: ["vip,a", "\\"]`,
		"languages=fr,en":                               `languages: ["fr", "en"]`,
		"hasConversion=true":                            "hasConversion: true",
		"minContacts=2":                                 "minContacts: 2",
		"transferred=true&snoozed=false":                "transferred: true, snoozed: false",
		"reopened=true":                                 "reopened: true",
		"updatedSince=" + whole:                         `updatedSince: "` + whole + `"`,
	} {
		for table, list := range map[string]struct{ field, column string }{
			"conversations": {"closedConversations", "conversation_id"}, "contacts": {"contacts", "contact_id"},
		} {
			got := get(t, server, "1,2,3", table+"?"+interval+"&"+parameters)
			want := r.graphQL(t, list.field, filters, 1, 2, 3)
			if found := ids(t, got.body, list.column); got.status != 200 || !slices.Equal(found, want) {
				t.Errorf("%s?%s: %d, %d rows, GraphQL has %d", table, parameters, got.status, len(found), len(want))
			}
			if len(want) > 0 {
				selecting++
			}
		}
		// Transactions belong to the conversations that match, whenever they closed.
		of := ids(t, get(t, server, "1,2,3", "conversations?"+parameters).body, "conversation_id")
		var want []string
		if !strings.HasPrefix(parameters, "updatedSince") {
			for _, sale := range r.world.Transactions {
				if _, found := slices.BinarySearch(of, sale.Conversation); found {
					want = append(want, sale.Conversation)
				}
			}
		}
		sort.Strings(want)
		if got := ids(t, get(t, server, "1,2,3", "transactions?"+parameters).body, "conversation_id"); !slices.Equal(got, want) {
			t.Errorf("transactions?%s: %d, want %d", parameters, len(got), len(want))
		}
	}
	if selecting < 25 {
		t.Errorf("only %d filters select anything", selecting)
	}
}

// TestTheRowsBehindABucketCanBeExported uses the handle of a bucket of metrics.
func TestTheRowsBehindABucketCanBeExported(t *testing.T) {
	r := theRig(t)
	ctx := query.WithCaller(t.Context(), schema.Caller{ID: "k", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{IDs: []schema.ProjectID{1, 2}}})
	answered := r.api.Schema().Exec(ctx, `{ metrics(interval: {from: "2020-03-25T00:00:00Z", to: "2020-04-05T12:00:00Z"}, groupBy: CHANNEL) {
		buckets { rows closedConversations contacts transactions } } }`, "", nil)
	var data struct {
		Metrics struct {
			Buckets []struct {
				Rows                                        string
				ClosedConversations, Contacts, Transactions int
			}
		}
	}
	if err := json.Unmarshal(answered.Data, &data); err != nil || len(answered.Errors) > 0 {
		t.Fatal(err, answered.Errors)
	}
	server := r.serve(t, nil)
	for _, bucket := range data.Metrics.Buckets {
		for table, want := range map[string]int{"conversations": bucket.ClosedConversations, "contacts": bucket.Contacts, "transactions": bucket.Transactions} {
			if got := get(t, server, "1,2", table+"?rows="+bucket.Rows); strings.Count(got.body, "\n") != want {
				t.Errorf("%s: %d rows, the bucket counts %d", table, strings.Count(got.body, "\n"), want)
			}
			// A handle grants nothing: who uses it sees rows of their own projects.
			for line := range strings.Lines(get(t, server, "3", table+"?rows="+bucket.Rows).body) {
				if !strings.Contains(line, `"project_id":3,`) {
					t.Errorf("%s: another caller sees %.200s", table, line)
				}
			}
		}
	}
}

// TestTheRowsOfACountCanBeExported uses the handles of single figures, in the export of
// each table.
func TestTheRowsOfACountCanBeExported(t *testing.T) {
	r := theRig(t)
	ctx := query.WithCaller(t.Context(), schema.Caller{ID: "k", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{IDs: []schema.ProjectID{1, 2}}})
	answered := r.api.Schema().Exec(ctx, `{ metrics(interval: {from: "2020-03-25T00:00:00Z", to: "2020-04-05T12:00:00Z"}, groupBy: CHANNEL) { buckets {
		abandoned: rows(of: ABANDONED_CONVERSATIONS) abandonedConversations
		sold: rows(of: TRANSACTIONS) transactions
		unanswered: rows(of: UNANSWERED_CONTACTS) unansweredContacts
		waitBusinessHours { count rows } } } }`, "", nil)
	var data struct {
		Metrics struct {
			Buckets []struct {
				Abandoned, Sold, Unanswered                              string
				AbandonedConversations, Transactions, UnansweredContacts int
				WaitBusinessHours                                        struct {
					Count int
					Rows  string
				}
			}
		}
	}
	if err := json.Unmarshal(answered.Data, &data); err != nil || len(answered.Errors) > 0 {
		t.Fatal(err, answered.Errors)
	}
	server := r.serve(t, nil)
	waits := 0
	for _, bucket := range data.Metrics.Buckets {
		waits += bucket.WaitBusinessHours.Count
		for path, want := range map[string]int{
			"conversations?rows=" + bucket.Abandoned:         bucket.AbandonedConversations,
			"transactions?rows=" + bucket.Sold:               bucket.Transactions,
			"contacts?rows=" + bucket.Unanswered:             bucket.UnansweredContacts,
			"contacts?rows=" + bucket.WaitBusinessHours.Rows: bucket.WaitBusinessHours.Count,
		} {
			if got := get(t, server, "1,2", path); got.status != 200 || strings.Count(got.body, "\n") != want {
				t.Errorf("%s: %d with %d rows, the figure is %d", path, got.status, strings.Count(got.body, "\n"), want)
			}
		}
		for _, path := range []string{
			"conversations?rows=" + bucket.Unanswered, "transactions?rows=" + bucket.Unanswered, "contacts?rows=" + bucket.Abandoned,
		} {
			if got := get(t, server, "1,2", path); got.status != 400 || !strings.Contains(got.body, "filters.rows") {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
	}
	if waits == 0 {
		t.Error("no waits in business hours")
	}
}

// TestBusinessHoursNarrowExports compares the parameter with the clock of the schedules.
func TestBusinessHoursNarrowExports(t *testing.T) {
	r := theRig(t)
	server := r.serve(t, nil)
	paris, err := timezone.Load("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	open := func(project uint32, at storetest.Millis) bool {
		clock := time.UnixMilli(int64(at)).In(paris)
		weekend := clock.Weekday() == time.Saturday || clock.Weekday() == time.Sunday
		return project <= 2 && !weekend && clock.Hour() >= 9 && clock.Hour() < 17
	}
	want := map[string]int{}
	for _, c := range r.world.Conversations {
		if open(c.Project, c.CreatedAt) {
			want["conversations"]++
			want["transactions"] += int(c.TransactionCount)
		}
	}
	for _, k := range r.world.Contacts {
		if open(k.Project, k.StartedAt) {
			want["contacts"]++
		}
	}
	for table, n := range want {
		if got := get(t, server, "1,2", table+"?inBusinessHours=true"); got.status != 200 || strings.Count(got.body, "\n") != n || n < 10 {
			t.Errorf("%s: %d with %d rows, want %d", table, got.status, strings.Count(got.body, "\n"), n)
		}
	}
}

// TestAnotherProjectIsLikeOneThatDoesNotExist names project 2 and its rows, in every
// parameter that can, as a caller of project 1.
func TestAnotherProjectIsLikeOneThatDoesNotExist(t *testing.T) {
	r := theRig(t)
	server := r.serve(t, nil)
	at := slices.IndexFunc(r.world.Conversations, func(c storetestConversation) bool { return c.Project == 2 && c.ClosedAt != nil })
	foreign := r.world.Conversations[at].ID
	for table := range order {
		for _, format := range []string{"ndjson", "csv", "parquet"} {
			for _, parameters := range []string{
				"projectIds=PROJECT", "projectIds=PROJECT&answered=true", "conversationIds=ID", "conversationIds=ID&projectIds=PROJECT", "projectIds=1,PROJECT",
			} {
				answers := [2]answer{}
				for i, named := range []*strings.Replacer{
					strings.NewReplacer("PROJECT", "2", "ID", foreign),
					strings.NewReplacer("PROJECT", "77", "ID", "00000000-0000-4000-8000-000000000000"),
				} {
					answers[i] = get(t, server, "1", table+"?count=true&format="+format+"&"+named.Replace(parameters))
				}
				a, b := answers[0], answers[1]
				if a.status != 200 || a.body != b.body || a.header.Get(export.HeaderRows) != b.header.Get(export.HeaderRows) {
					t.Errorf("%s %s %s: %d, %d bytes for another's project, %d for none", table, format, parameters, a.status, len(a.body), len(b.body))
				}
			}
		}
		for line := range strings.Lines(get(t, server, "1", table).body) {
			if !strings.Contains(line, `"project_id":1,`) {
				t.Fatalf("%s: a row of another project: %s", table, line)
			}
		}
	}
}

func TestHostileTextIsAValue(t *testing.T) {
	r := theRig(t)
	server := r.serve(t, nil)
	for _, text := range []string{
		`' OR 1=1 --`, `'); DROP TABLE parley_1.conversations; --`, `\' UNION ALL SELECT * FROM system.users --`, "{a0:String}", "`x`", "\t\n\\N",
		`"]}`, "$where", "%s", "\u00a0\u202e", strings.Repeat("'", 900),
	} {
		for _, name := range []string{"tagIds", "closeReason", "visitorIds", "campaignIds", "routingRuleIds", "routingGroupIds", "languages"} {
			for table := range order {
				got := get(t, server, "1", table+"?"+url.Values{name: {text}}.Encode())
				if got.status != 200 || got.body != "" {
					t.Errorf("%s?%s=%q: %d %.200s", table, name, text, got.status, got.body)
				}
			}
		}
	}
	if got := get(t, server, "1", "conversations"); strings.Count(got.body, "\n") < 20 {
		t.Error("rows are missing")
	}
}

func TestErrorsBeforeTheFirstByteAreJSONWithAStatus(t *testing.T) {
	server := theRig(t).serve(t, nil)
	for path, want := range map[string]struct {
		projects string
		status   int
		code     string
	}{
		"visitors":                                     {"1", 404, "NOT_FOUND"},
		"conversations/x":                              {"1", 404, "NOT_FOUND"},
		"conversations?format=xlsx":                    {"1", 400, "BAD_USER_INPUT"},
		"conversations?tagId=vip":                      {"1", 400, "BAD_USER_INPUT"},
		"conversations?answered=maybe":                 {"1", 400, "BAD_USER_INPUT"},
		"conversations?answered=true&answered=false":   {"1", 400, "BAD_USER_INPUT"},
		"conversations?channels=PIGEON":                {"1", 400, "BAD_USER_INPUT"},
		"conversations?projectIds=one":                 {"1", 400, "BAD_USER_INPUT"},
		"conversations?projectIds=1e3":                 {"1", 400, "BAD_USER_INPUT"},
		"conversations?from=2020-01-01T00:00:00Z":      {"1", 400, "BAD_USER_INPUT"},
		"conversations?from=yesterday&to=today":        {"1", 400, "BAD_USER_INPUT"},
		"conversations?updatedSince=12":                {"1", 400, "BAD_USER_INPUT"},
		"conversations?rows=AAAA":                      {"1", 400, "BAD_USER_INPUT"},
		"conversations?count=perhaps":                  {"1", 400, "BAD_USER_INPUT"},
		"conversations?tagIds=a;b":                     {"1", 400, "BAD_USER_INPUT"},
		"contacts?tagIds=" + strings.Repeat("x", 2000): {"1", 400, "BAD_USER_INPUT"},
		"conversations?format=csv":                     {"ingest", 403, "FORBIDDEN"},
		"contacts":                                     {"", 503, "SERVICE_UNAVAILABLE"},
	} {
		got := get(t, server, want.projects, path)
		var answer struct{ Error, Message string }
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != want.status || answer.Error != want.code || answer.Message == "" ||
			got.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// breaking fails in the middle.
type breaking struct {
	export.Tables
	pieces int
}

func (b breaking) Extract(context.Context, *query.Extract) (io.ReadCloser, error) {
	left := b.pieces
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		if left--; left < 0 {
			return 0, &query.Error{Code: query.CodeTooLarge, Message: "too large"}
		}
		return copy(p, strings.Repeat("{\"a\":1}\n", len(p)/8)), nil
	})), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnErrorInTheMiddleAbortsTheBody(t *testing.T) {
	r := theRig(t)
	for pieces, status := range map[int]int{0: 422, 1: 200, 3: 200} {
		server := r.serve(t, func(c *export.Config) { c.Tables = breaking{r.store, pieces} })
		got := get(t, server, "1", "conversations")
		if got.status != status || (got.broken != nil) != (pieces > 0) || pieces > 0 && !errors.Is(got.broken, io.ErrUnexpectedEOF) {
			t.Errorf("after %d pieces: %d %v %q", pieces, got.status, got.broken, got.body)
		}
	}
}

// endless writes until it is closed or its context ends.
type endless struct {
	export.Tables
	ended chan struct{}
}

func (e endless) Extract(ctx context.Context, _ *query.Extract) (io.ReadCloser, error) {
	go func() { <-ctx.Done(); close(e.ended) }()
	return io.NopCloser(readerFunc(func(p []byte) (int, error) { return copy(p, "{}\n"), ctx.Err() })), nil
}

func TestAnExportEndsWithItsClientAndAtItsTime(t *testing.T) {
	r := theRig(t)
	ended := make(chan struct{})
	server := r.serve(t, func(c *export.Config) { c.Tables, c.Time = endless{r.store, ended}, time.Second })
	if got := get(t, server, "1", "contacts"); got.broken == nil || got.body == "" {
		t.Errorf("at its time: %v", got.broken)
	}
	<-ended

	e := endless{r.store, make(chan struct{})}
	server = r.serve(t, func(c *export.Config) { c.Tables, c.PerCaller = e, 1 })
	leave := stay(t, server, "1", "contacts")
	if got := get(t, server, "1", "contacts"); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("a second one: %d", got.status)
	}
	leave()
	<-e.ended
}
