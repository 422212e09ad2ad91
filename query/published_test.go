package query_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema/definition"
)

// measured are the figures of a bucket that have SQL.
func measured() []definition.Figure {
	return slices.DeleteFunc(definition.Read().Figures, func(f definition.Figure) bool { return f.Type != "MetricsBucket" || f.Measure == nil })
}

// selection selects some of the figures that have SQL, and durations in ranges.
func selection(local bool, wanted func() bool) string {
	fields := []string{"closedConversations contacts wait { ...D } resolutionBusinessHours { ...D }"}
	for _, f := range measured() {
		if !wanted() || f.Name == "wait" || f.Name == "resolutionBusinessHours" {
			continue
		}
		switch field := f.Name; {
		case f.Measure.Aggregate == definition.Distributed:
			fields = append(fields, field+" { count meanMs medianMs p90Ms p95Ms p99Ms }")
		case f.Unit == "amount per currency":
			fields = append(fields, field+" { currency amount }")
		case local && (field == "createdConversations" || f.Measure.View == "state_changes"):
		default:
			fields = append(fields, field)
		}
	}
	return strings.Join(fields, " ")
}

// number writes a number in one form, whether it is in quotes or not.
func number(v any) string {
	if v == nil {
		return "null"
	}
	text := fmt.Sprint(v)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

// columnsOf writes the figures of a bucket as the columns of its statement.
func columnsOf(bucket map[string]any) map[string]string {
	columns := map[string]string{}
	for _, f := range measured() {
		switch value := bucket[f.Name].(type) {
		case []any: // amounts
			columns[f.Column()] = "" // there even without any
			for _, m := range value {
				columns[f.Column()+" "+m.(map[string]any)["currency"].(string)] = number(m.(map[string]any)["amount"])
			}
		case map[string]any:
			for _, name := range []string{"count", "meanMs", "medianMs", "p90Ms", "p95Ms", "p99Ms"} {
				columns[f.Column()+"_"+(&definition.Figure{Name: name}).Column()] = number(value[name])
			}
		default:
			if _, selected := bucket[f.Name]; selected {
				columns[f.Column()] = number(value)
			}
		}
	}
	return columns
}

// asDashboard runs a statement as the user of dashboards.
func (r *rig) asDashboard(t *testing.T, statement string) []map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.FrontURL+"/?default_format=JSONEachRow", strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(r.server.BI.Name, r.server.BI.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%v %s", statement, err, answer)
	}
	var rows []map[string]any
	for line := range strings.SplitSeq(string(answer), "\n") {
		var row map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if line != "" && decoder.Decode(&row) == nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// columnsOfRow writes a row of a statement.
func columnsOfRow(row map[string]any) map[string]string {
	columns := map[string]string{}
	for name, value := range row {
		amounts, is := value.(map[string]any)
		if !is {
			columns[name] = number(value)
			continue
		}
		columns[name] = ""
		for currency, amount := range amounts {
			columns[name+" "+currency] = number(amount)
		}
	}
	return columns
}

func equalColumns(t *testing.T, statement string, got, want map[string]string) int {
	t.Helper()
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s is %q, want %q", name, got[name], want[name])
			}
		}
		t.Fatalf("%s\n%v\n%v", statement, got, want)
	}
	return len(want)
}

// published is a rig with the stable views, and with opening hours that API and views know.
func published(t *testing.T) *rig {
	t.Helper()
	r := theRig(t)
	set := someHours(t)
	storetest.Publish(t, r.server, projection)
	database, err := sink.Dial(t.Context(), sink.Server{URL: "http://" + r.server.Addr, User: r.server.Writer.Name, Password: r.server.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	known := hours.NewTimeline(set, hours.Interval{From: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), To: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).Unix()})
	if err := database.SetOpeningHours(t.Context(), tables.NewOpeningHours(known.Projects, known.Lanes, known.Begins, known.Ends, known.Starts, known.Lengths, 1)); err != nil {
		t.Fatal(err)
	}
	return r.with(t, query.Config{Hours: set})
}

// TestPublishedStatementsComputeTheFigures runs the statements of answers as the user of dashboards, and compares each figure.
func TestPublishedStatementsComputeTheFigures(t *testing.T) {
	r := published(t)
	dice := rand.New(rand.NewPCG(19, 1))
	figures, statements := 0, 0
	filters := func(more string) string { return "filters: {" + more + "}" }
	for _, arguments := range []string{
		"", "groupBy: PROJECT", "groupBy: CHANNEL, step: WEEK", "groupBy: OPERATOR", "groupBy: OPERATOR_KIND", "groupBy: ROUTING_RULE", "groupBy: ROUTING_GROUP",
		"groupBy: TAG", "groupBy: CAMPAIGN", "groupBy: LANGUAGE", "groupBy: CLOSE_REASON", "groupBy: AUTOMATION_LEVEL", "groupBy: INITIATOR",
		`groupBy: CUSTOM_DATA, customDataKey: "plan"`, `groupBy: CUSTOM_DATA, customDataKey: "it's \\ \" {a:String} $where"`, "groupBy: STATUS", "groupBy: ENDING",
		"groupBy: [CUSTOMER_SATISFACTION, NET_PROMOTER_SCORE]", "groupBy: [TAG, OPERATOR, ROUTING_RULE]",
		`groupBy: HOUR_OF_DAY, timeZone: "Australia/Lord_Howe"`, `groupBy: [DAY_OF_WEEK, CHANNEL], timeZone: "America/New_York", step: WEEK`,
		"groupBy: IN_BUSINESS_HOURS", `step: DAY, timeZone: "Europe/Paris"`, `step: HOUR, timeZone: "Australia/Lord_Howe"`, `step: HALF_HOUR, timeZone: "Asia/Kathmandu"`,
		`step: WEEK, timeZone: "Pacific/Auckland", groupBy: CHANNEL`, `step: MONTH, timeZone: "America/New_York", groupBy: [PROJECT, CLOSE_REASON]`,
		filters("projectIds: [1, 2], channels: [CHAT, EMAIL], answered: true"), filters("answered: false, answeredByHuman: false"),
		filters("automationLevels: [NOT_AUTOMATED, FULLY_AUTOMATED], hasConversion: true"), filters(`userIds: [1, 2, 3], languages: ["en", "fr"]`),
		filters(`routingRuleIds: ["rule-1"], routingGroupIds: ["group-1", "group-2"], minContacts: 1`) + ", groupBy: OPERATOR",
		filters(`tagIds: ["vip", "` + hostile[0] + `"], campaignIds: ["spring", "` + hostile[1] + `"]`), filters(`visitorIds: ["visitor 1", "visitor 2", "` + hostile[0] + `"]`),
		filters("customerSatisfaction: [1, 5], netPromoterScore: {min: 2, max: 9}"), filters("transferred: true, snoozed: false, reopened: false"),
		filters(`inBusinessHours: true`) + ", groupBy: IN_BUSINESS_HOURS", filters(`inBusinessHours: false, updatedSince: "cDEucnM"`),
		"contactFilters: {statuses: ANSWERED, operatorKinds: [PROFESSIONAL, BOT], waitMs: {min: 1000, max: 600000}}",
		"contactFilters: {endings: [SNOOZED, TRANSFERRED], ongoing: false, firstResponseMs: {}}, groupBy: TAG",
		"contactFilters: {durationMs: {max: 900000}, endingInferred: false}, " + filters(`tagIds: "vip"`) + `, step: DAY, timeZone: "Asia/Kathmandu"`,
	} {
		t.Run(arguments, func(t *testing.T) {
			f, n := r.comparePublished(t, arguments, dice)
			figures, statements = figures+f, statements+n
		})
	}
	if figures < 2_000 {
		t.Errorf("only %d figures were compared", figures)
	}
	t.Logf("%d figures of %d statements", figures, statements)
}

// comparePublished compares the statements of an answer with its figures.
func (r *rig) comparePublished(t *testing.T, arguments string, dice *rand.Rand) (figures, statements int) {
	t.Helper()
	local := strings.Contains(arguments, "HOUR_OF_DAY") || strings.Contains(arguments, "DAY_OF_WEEK")
	all := arguments == "" || strings.HasPrefix(arguments, "step: DAY")
	fields := selection(local, func() bool { return all || dice.IntN(6) == 0 })
	var answer struct {
		Metrics struct {
			SQL     []string
			Total   map[string]any
			Buckets []map[string]any
		}
	}
	decode(t, r, `{ metrics(interval: {from: "2020-03-21T13:17:00Z", to: "2020-04-08T22:30:00.123Z"}, `+arguments+`) { sql total { sql `+strings.ReplaceAll(fields, "...D", "...D ...S")+` }
		buckets { sql from dimensions { name value } `+fields+` } } }
		fragment D on Distribution { count meanMs medianMs p90Ms p95Ms p99Ms within(ms: [60000, 900000]) { count share sql }
			histogram(bounds: [30000, 600000]) { from count share sql } }
		fragment S on Distribution { within(ms: [60000, 900000]) { bucketsSql } histogramSql(bounds: [30000, 600000]) }`, &answer)
	m := answer.Metrics
	buckets := slices.Clone(m.Buckets)
	dice.Shuffle(len(buckets), func(i, j int) { buckets[i], buckets[j] = buckets[j], buckets[i] })
	for _, bucket := range append([]map[string]any{m.Total}, buckets[:min(1, len(buckets))]...) {
		statement, _ := bucket["sql"].(string)
		rows := r.asDashboard(t, statement)
		if len(rows) != 1 {
			t.Fatalf("%d rows of\n%s", len(rows), statement)
		}
		figures += equalColumns(t, arguments+"\n"+statement, columnsOfRow(rows[0]), columnsOf(bucket))
		statements++
	}
	distribution := []string{"wait", "resolutionBusinessHours"}[dice.IntN(2)]
	figures += r.compareShares(t, arguments, distribution, m.Total[distribution].(map[string]any), m.Buckets)
	d := append(buckets, m.Total)[0][distribution].(map[string]any)
	spans := slices.Concat(d["within"].([]any), d["histogram"].([]any))
	want := spans[dice.IntN(len(spans))].(map[string]any)
	statement := want["sql"].(string)
	figures += equalColumns(t, arguments+"\n"+statement, columnsOfRow(r.asDashboard(t, statement)[0]),
		map[string]string{"count": number(want["count"]), "share": number(want["share"])})
	statements++
	figures += r.compareBuckets(t, arguments, m.SQL, m.Buckets)
	statements += len(m.SQL)
	return figures, statements
}

// compareShares compares the statements of a histogram, and of the shares of all buckets.
func (r *rig) compareShares(t *testing.T, arguments, distribution string, total map[string]any, buckets []map[string]any) int {
	t.Helper()
	var expected, found []string
	for _, bin := range total["histogram"].([]any) {
		if b := bin.(map[string]any); number(b["count"]) != "0" {
			expected = append(expected, fmt.Sprint(number(b["from"]), " ", number(b["count"]), " ", number(b["share"])))
		}
	}
	statement := total["histogramSql"].(string)
	for _, row := range r.asDashboard(t, statement) {
		from := number(row["from_ms"])
		if from == "0" {
			from = "null"
		}
		found = append(found, fmt.Sprint(from, " ", number(row["count"]), " ", number(row["share"])))
	}
	if !slices.Equal(expected, found) {
		t.Fatalf("%s\n%s\n%v, want %v", arguments, statement, found, expected)
	}
	figures := len(found)
	share := total["within"].([]any)[1].(map[string]any)
	statement, is := share["bucketsSql"].(string)
	if !is {
		if strings.Contains(arguments, "step") || strings.Contains(arguments, "groupBy") {
			t.Fatalf("%s has no statement of shares", arguments)
		}
		return figures
	}
	expected, found = nil, nil
	for _, bucket := range buckets {
		of := bucket[distribution].(map[string]any)["within"].([]any)[1].(map[string]any)
		if number(of["count"]) != "0" {
			expected = append(expected, number(of["count"])+" "+number(of["share"]))
		}
	}
	for _, row := range r.asDashboard(t, statement) {
		if number(row["count"]) != "0" {
			found = append(found, number(row["count"])+" "+number(row["share"]))
		}
	}
	slices.Sort(expected)
	slices.Sort(found)
	if !slices.Equal(expected, found) {
		t.Fatalf("%s\n%s\n%v, want %v", arguments, statement, found, expected)
	}
	return figures + len(found)
}

// compareBuckets compares the rows of statements with the buckets that have rows. A row has the first bucket of its step: the
// calendar's begins before the interval.
func (r *rig) compareBuckets(t *testing.T, arguments string, statements []string, buckets []map[string]any) int {
	t.Helper()
	figures := 0
	for _, statement := range statements {
		var expected, found []string
		rows := r.asDashboard(t, statement)
		if len(rows) == 0 {
			continue
		}
		isKey := func(name string) bool {
			return name == "step" || name == "custom_data_value" || strings.Contains(arguments, strings.ToUpper(name)) && name == strings.ToLower(name) &&
				!slices.ContainsFunc(measured(), func(f definition.Figure) bool { return f.Column() == name })
		}
		for _, row := range rows {
			columns := columnsOfRow(row)
			var key, values []string
			for name, value := range columns {
				switch {
				case name == "step":
				case isKey(name):
					key = append(key, fmt.Sprint(row[name]))
				default:
					values = append(values, name+" "+value)
				}
			}
			slices.Sort(key)
			slices.Sort(values)
			if counts(values) {
				found = append(found, fmt.Sprint(key, values))
			}
			figures += len(values)
		}
		for _, bucket := range buckets {
			columns := columnsOf(bucket)
			var key, values []string
			for _, d := range bucket["dimensions"].([]any) {
				key = append(key, fmt.Sprint(d.(map[string]any)["value"]))
			}
			for name, value := range columns {
				column, _, _ := strings.Cut(name, " ")
				if _, has := rows[0][column]; has {
					values = append(values, name+" "+value)
				}
			}
			slices.Sort(key)
			slices.Sort(values)
			if counts(values) {
				expected = append(expected, fmt.Sprint(key, values))
			}
		}
		slices.Sort(expected)
		slices.Sort(found)
		if !slices.Equal(expected, found) {
			t.Fatalf("%s\n%s\n%d buckets %.2000v\n%d rows %.2000v", arguments, statement, len(expected), expected, len(found), found)
		}
	}
	return figures
}

// counts reports whether a bucket counts something.
func counts(values []string) bool {
	return slices.ContainsFunc(values, func(value string) bool {
		name, number, _ := strings.Cut(value, " ")
		return number != "0" && slices.Contains([]string{"closed_conversations", "contacts", "created_conversations",
			"closings", "first_closings", "reopenings", "open_at_end", "snoozed_at_end"}, name)
	})
}

func decode(t *testing.T, r *rig, document string, into any) {
	t.Helper()
	response, _ := r.exec(t, reader(1, 2, 3), document, nil)
	if len(response.Errors) > 0 {
		t.Fatalf("%s\n%v (logged: %s)", document, response.Errors[0], r.logged)
	}
	decoder := json.NewDecoder(strings.NewReader(string(response.Data)))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestPublishedStatementsHoldTheSelectedFigures asks for some figures, for none that has SQL, and as of a position.
func TestPublishedStatementsHoldTheSelectedFigures(t *testing.T) {
	r := published(t)
	var answer struct {
		Some, None, Past struct {
			SQL   []string
			Total struct{ SQL *string }
		}
	}
	var at struct{ Metrics struct{ Position string } }
	decode(t, r, `{ metrics(`+always+`) { position } }`, &at)
	decode(t, r, `{ some: metrics(`+always+`, step: MONTH) { sql total { csat sql } } none: metrics(`+always+`, groupBy: HOUR_OF_DAY) { sql total { openAtEnd sql } }
		past: metrics(`+always+`, step: MONTH, asOf: "`+at.Metrics.Position+`") { sql total { csat sql } } }`, &answer)
	if len(answer.Some.SQL) != 1 || answer.Some.Total.SQL == nil {
		t.Fatalf("%+v", answer.Some)
	}
	if row := r.asDashboard(t, *answer.Some.Total.SQL)[0]; len(row) != 1 || row["csat"] == nil {
		t.Errorf("%v of %s", row, *answer.Some.Total.SQL)
	}
	for name, got := range map[string]*string{"figures without SQL": answer.None.Total.SQL, "a past position": answer.Past.Total.SQL} {
		if got != nil {
			t.Errorf("%s: %s", name, *got)
		}
	}
	if len(answer.None.SQL)+len(answer.Past.SQL) > 0 {
		t.Errorf("%v %v", answer.None.SQL, answer.Past.SQL)
	}
}

// TestEveryFigureOfABucketHasSQL looks for a measure of each, which its statements are made of.
func TestEveryFigureOfABucketHasSQL(t *testing.T) {
	for _, f := range definition.Read().Figures {
		if f.Type == "MetricsBucket" && f.Measure == nil {
			t.Errorf("%s has no measure", f.Name)
		}
	}
}
