package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func open(t *testing.T, change func(*Config)) *Store {
	t.Helper()
	server := enginetest.ClickHouse(t)
	config := Config{URL: "http://" + server.Addr, User: server.Reader.Name, Password: server.Reader.Password}
	if change != nil {
		change(&config)
	}
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestAClosedStoreHasNoConnections counts them below the transport.
func TestAClosedStoreHasNoConnections(t *testing.T) {
	var connected, left atomic.Int64
	s := open(t, func(c *Config) {
		c.Transport = func(t *http.Transport) (http.RoundTripper, error) {
			t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				connected.Add(1)
				left.Add(1)
				return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { left.Add(-1) })}, nil
			}
			return t, nil
		}
	})
	var asked sync.WaitGroup
	for range 4 {
		asked.Go(func() {
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(2 * time.Minute); left.Load() > 0; {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("%d of %d connections are open", left.Load(), connected.Load())
		}
	}
	if connected.Load() == 0 {
		t.Error("no connection was counted")
	}
}

// countedConn counts its close.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// protocols are the ways to a ClickHouse, as changes to open's Config.
func protocols(t *testing.T) map[string]func(*Config) {
	server := enginetest.ClickHouse(t)
	return map[string]func(*Config){
		"HTTP":   func(*Config) {},
		"native": func(c *Config) { c.URL = "clickhouse://" + server.NativeAddr },
	}
}

func number(v *uint64) []any { return []any{v} }

func code(err error) query.Code {
	var known *query.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

// TestLiveIsReadOnceASecondAndFollowsASwap moves a clock of its own.
func TestLiveIsReadOnceASecondAndFollowsASwap(t *testing.T) {
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, 1)
	storetest.SetPosition(t, server, 1, 50)
	now := time.Unix(1_600_000_000, 0)
	s := open(t, func(c *Config) { c.Clock = func() time.Time { return now } })
	live := func() (query.Live, int) {
		t.Helper()
		ctx, stats := query.WithStats(t.Context())
		live, err := s.Live(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return live, len(stats.Statements())
	}
	if got, sent := live(); got != (query.Live{Projection: 1, Position: 50, Written: 50}) || sent != 2 {
		t.Errorf("%+v after %d statements", got, sent)
	}
	storetest.Migrate(t, server, 1, 2)
	storetest.SetPosition(t, server, 2, 60)
	now = now.Add(999 * time.Millisecond)
	if got, sent := live(); got.Projection != 1 || sent != 0 {
		t.Errorf("%+v after %d statements", got, sent)
	}
	now = now.Add(time.Millisecond)
	if got, sent := live(); got != (query.Live{Projection: 2, Position: 60, Written: 60}) || sent != 2 {
		t.Errorf("%+v after %d statements", got, sent)
	}
}

// TestThePositionStopsBeforeConversationsThatAreBehind has two that are behind, one that is set aside, and one that a repair makes again,
// whose row of quarantine has an earlier sequence: the last two do not count.
func TestThePositionStopsBeforeConversationsThatAreBehind(t *testing.T) {
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, 1)
	storetest.SetPosition(t, server, 1, 50)
	s := open(t, nil)
	for _, c := range []struct {
		sequence int
		reason   schema.Code
		want     schema.Sequence
	}{{60, schema.CodeBehind, 50}, {45, schema.CodeTooLarge, 50}, {40, schema.CodeBehind, 39}, {30, schema.CodeDiffers, 39}} {
		server.Exec(t, fmt.Sprintf("INSERT INTO %s.quarantine (log, sequence, reason, _version) VALUES ('conversations', %d, '%s', 1)",
			clickhouse.ProjectionDatabase(1), c.sequence, c.reason))
		reported, err := s.Position(t.Context(), 1)
		if err != nil || reported != c.want {
			t.Errorf("with one at %d that is %s the position is %d (%v), want %d", c.sequence, c.reason, reported, err, c.want)
		}
		if written, err := s.Written(t.Context(), 1); err != nil || written != 50 {
			t.Errorf("with one at %d that is %s, written is %d (%v), want 50", c.sequence, c.reason, written, err)
		}
	}
	server.Exec(t, "TRUNCATE TABLE "+clickhouse.ProjectionDatabase(1)+".quarantine") // other tests of this server
}

// TestAStatementThatTakesTooLongEndsInClickHouseToo starts one that would take
// hours.
func TestAStatementThatTakesTooLongEndsInClickHouseToo(t *testing.T) {
	for protocol, over := range protocols(t) {
		t.Run(protocol, func(t *testing.T) { testTooLong(t, over) })
	}
}

func testTooLong(t *testing.T, over func(*Config)) {
	server := enginetest.ClickHouse(t)
	endless := func() *statement {
		return &statement{name: "endless", text: "SELECT sum(cityHash64(number)) AS endless FROM numbers(1000000000000000)"}
	}
	gone := func(how string) {
		t.Helper()
		deadline := time.Now().Add(2 * time.Minute)
		for {
			running := server.Exec(t, "SELECT count() FROM system.processes WHERE query LIKE '%AS endless%' AND user = '"+server.Reader.Name+"'")
			if running == "0" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the statement runs on in ClickHouse", how)
			}
		}
	}
	s := open(t, func(c *Config) { over(c); c.Timeout = 300 * time.Millisecond })
	if _, err := read(t.Context(), s, endless(), number); code(err) != query.CodeTimeout {
		t.Errorf("at the timeout: %v", err)
	}
	gone("timeout")

	s = open(t, func(c *Config) { over(c); c.Timeout = time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for server.Exec(t, "SELECT count() FROM system.processes WHERE query LIKE '%AS endless%' AND user = '"+server.Reader.Name+"'") == "0" {
			if ctx.Err() != nil {
				return
			}
		}
		cancel()
	})
	if _, err := read(ctx, s, endless(), number); code(err) != query.CodeTimeout {
		t.Errorf("given up: %v", err)
	}
	cancel()
	group.Wait()
	gone("given up")
}

func TestLimitsAreReportedWithACode(t *testing.T) {
	for protocol, over := range protocols(t) {
		t.Run(protocol, func(t *testing.T) { testLimits(t, over) })
	}
}

func testLimits(t *testing.T, over func(*Config)) {
	numbers := func() *statement {
		return &statement{name: "numbers", text: "SELECT max(n) FROM (SELECT number AS n FROM numbers(1000000) ORDER BY cityHash64(n) LIMIT 999999)"}
	}
	if _, err := read(t.Context(), open(t, func(c *Config) { over(c); c.MaxRows = 1000 }), numbers(), number); code(err) != query.CodeTooLarge {
		t.Errorf("rows: %v", err)
	}
	if _, err := read(t.Context(), open(t, func(c *Config) { over(c); c.MaxMemory = 1 << 20 }), numbers(), number); code(err) != query.CodeTooLarge {
		t.Errorf("memory: %v", err)
	}
	if _, err := read(t.Context(), open(t, func(c *Config) { over(c); c.URL = c.URL[:strings.LastIndex(c.URL, ":")] + ":1" }), numbers(), number); code(err) != query.CodeUnavailable {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := read(t.Context(), open(t, over), &statement{name: "wrong", text: "SELECT nothing"}, number); err == nil || code(err) != "" {
		t.Errorf("a wrong statement: %v", err)
	}
}

// hostile are strings that break out of whatever does not bind them.
var hostile = []string{
	"'", `"`, `\`, `\'`, "''", "' OR 1 = 1 --", "') OR (1 = 1", `\') OR 1 --`, "{a0:String}", "$where", "%", "_", "\t", "\n", "\r\n",
	"]", "['x']", "','", "NULL", `\N`, "\u00a0", "é漢字🙂", "\x7f", "--", "/*", "#", ";", "&param_a0=x", "%27", "a\\tb", "",
}

// TestStringsFromOutsideAreOnlyEverValues finds each hostile string exactly
// where it is, by every filter that takes strings.
func TestStringsFromOutsideAreOnlyEverValues(t *testing.T) {
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, 3)
	w := new(storetest.World)
	for i, text := range hostile {
		at := storetest.Millis(1_600_000_000_000 + i)
		w.Conversations = append(w.Conversations, storetest.Conversation{
			Project: 1, ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), CreatedAt: at, ClosedAt: &at, BeganAt: at, Channel: "CHAT",
			Visitor: &text, Campaign: &text, Language: &text, CloseReason: &text, TagIDs: []string{text}, TagNames: []*string{nil},
			RoutingRules: []string{text}, RoutingGroups: []string{text}, OperatorKinds: []string{}, OperatorIDs: []int64{}, UserIDs: []int64{},
			CustomData: map[string]string{}, Revenue: map[string]string{}, TransactionCounts: map[string]uint32{},
			Users: []storetest.User{}, Routing: []storetest.Routing{}, Marks: []storetest.Mark{}, Version: 1,
		})
	}
	w.Insert(t, server, 3)
	s := open(t, nil)
	scope := query.Scope{Projection: 3, Projects: schema.Projects{IDs: []schema.ProjectID{1}}}
	all := query.Interval{From: 0, To: 7_000_000_000_000}
	for i, text := range hostile {
		one := []string{text}
		for name, filter := range map[string]*query.Filter{
			"visitors": {Visitors: one}, "campaigns": {Campaigns: one}, "languages": {Languages: one}, "reasons": {CloseReasons: one},
			"tags": {Tags: one}, "rules": {RoutingRules: one}, "groups": {RoutingGroups: one},
			"rows": {Rows: &query.Rows{Interval: all, Filter: &query.Filter{}, By: []query.DimensionValue{{Name: query.ByTag, Value: &text}}}},
		} {
			rows, err := s.ClosedConversations(t.Context(), scope, all, filter, query.Page{Limit: 10}, []string{"tags"})
			if err != nil {
				t.Fatalf("%s %q: %v", name, text, err)
			}
			if len(rows) != 1 || rows[0].ID != w.Conversations[i].ID || rows[0].TagIDs[0] != text {
				t.Errorf("%s %q finds %d rows", name, text, len(rows))
			}
		}
		after := query.Place{At: 0, Project: 1, ID: text}
		if rows, err := s.ClosedConversations(t.Context(), scope, all, &query.Filter{}, query.Page{Limit: 100, After: &after}, nil); err != nil || len(rows) != len(hostile) {
			t.Errorf("after %q: %d rows, %v", text, len(rows), err)
		}
	}
	// The names of values come back as they are, too.
	groups, err := s.ConversationFigures(t.Context(), scope, all, &query.Filter{}, query.Grouping{By: []query.Dimension{query.ByTag, query.ByCampaign}, Labels: true, Limit: 1000}, []string{"closedConversations"})
	if err != nil || len(groups) != len(hostile) {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	for _, g := range groups {
		if *g.Value1 != *g.Value2 || g.Closed != 1 {
			t.Errorf("%q and %q: %d", *g.Value1, *g.Value2, g.Closed)
		}
	}
}

// TestTextsOfStatementsHoldNoInput makes statements of all filters with values
// that would be seen in their texts.
func TestTextsOfStatementsHoldNoInput(t *testing.T) {
	const mark = "INPUT"
	yes, seven, since := true, int64(7_777_777), schema.Sequence(7_777_777)
	strings7 := []string{mark}
	filter := &query.Filter{
		Projects: []schema.ProjectID{7_777_777}, Channels: strings7, Answered: &yes, AnsweredByHuman: &yes, AutomationLevels: strings7,
		CloseReasons: strings7, Conversations: strings7, Visitors: strings7, CustomerSatisfaction: []int64{7_777_777}, Scored: true,
		ScoreMin: &seven, ScoreMax: &seven, Campaigns: strings7, RoutingRules: strings7, RoutingGroups: strings7,
		Operators: []int64{7_777_777}, Tags: strings7, Languages: strings7, HasConversion: &yes, MinContacts: &seven,
		Transferred: &yes, Snoozed: &yes, Reopened: &yes, UpdatedSince: &since,
	}
	text := mark
	filter.Rows = &query.Rows{Interval: query.Interval{From: 7_777_777, To: 7_777_778}, Filter: &query.Filter{Tags: strings7}, By: []query.DimensionValue{{Name: query.ByTag, Value: &text}}}
	scope := query.Scope{Projection: 1, Projects: schema.Projects{IDs: []schema.ProjectID{7_777_777, 7_777_778}}}
	interval := query.Interval{From: 7_777_777, To: 7_777_778}
	for _, st := range []*statement{
		newStatement("closed_conversations", scope).where("where", closed("a", scope, interval, filter)),
		newStatement("contacts", scope).where("where", started("a", scope, interval, filter)),
		newStatement("messages", scope).where("where", of("a", scope, []schema.ConversationKey{{Project: 7_777_777, Conversation: mark}})),
	} {
		if strings.Contains(st.text, mark) || strings.Contains(st.text, "7777") {
			t.Errorf("%s holds input: %s", st.name, st.text)
		}
		for _, name := range []string{"project_id", "{projection:Identifier}"} {
			if !strings.Contains(st.text, name) {
				t.Errorf("%s lacks %s: %s", st.name, name, st.text)
			}
		}
	}
}

// TestAnEmptyScopeSeesNoRows asks with the zero value.
func TestAnEmptyScopeSeesNoRows(t *testing.T) {
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, 4)
	storetest.Random(storetest.Shape{Seed: 1, Projects: []uint32{1}, Conversations: 10, From: 0, To: 1000}).Insert(t, server, 4)
	s := open(t, nil)
	all := query.Interval{From: 0, To: 7_000_000_000_000}
	for projects, want := range map[*schema.Projects]uint64{{}: 0, {IDs: []schema.ProjectID{2}}: 0, {IDs: []schema.ProjectID{1}}: 1, {All: true}: 1} {
		n, err := s.CountClosedConversations(t.Context(), query.Scope{Projection: 4, Projects: *projects}, all, &query.Filter{})
		if err != nil || min(n, 1) != want {
			t.Errorf("%+v sees %d, %v", *projects, n, err)
		}
	}
}
