package sink

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// read returns the only row of a table as JSON, with numbers as written.
func read(t *testing.T, s *Sink, table string) map[string]any {
	t.Helper()
	text := enginetest.ClickHouse(t).Exec(t, s.in(`SELECT * FROM $projection.`+table+` FINAL FORMAT JSONEachRow SETTINGS
		output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 1, output_format_json_named_tuples_as_objects = 1`))
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var row map[string]any
	if err := decoder.Decode(&row); err != nil {
		t.Fatalf("%s: %v in %q", table, err, text)
	}
	if decoder.More() {
		t.Fatalf("%s has more than one row:\n%s", table, text)
	}
	return row
}

// hold compares a row with what each column is to hold, written as JSON. Every
// column has to be named.
func hold(t *testing.T, table string, row map[string]any, want map[string]string) {
	t.Helper()
	for column, value := range row {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		expected, named := want[column]
		if !named {
			t.Errorf("%s.%s is %s and nothing is said about it", table, column, text)
		} else if string(text) != expected {
			t.Errorf("%s.%s is %s, want %s", table, column, text, expected)
		}
	}
	if len(want) != len(row) {
		t.Errorf("%s has %d columns, want %d", table, len(row), len(want))
	}
}

// full is a change with a value in every field.
func full(key schema.ConversationKey) projector.Change {
	at := func(ms int64) *schema.Timestamp { return new(schema.Timestamp(ms)) }
	operator := schema.User{ID: 1<<53 - 1, Kind: schema.KindBot, Name: new("Zoë"), Email: new("z@example.org")}
	group := &schema.Ref{ID: "g", Name: new("Group")}
	return projector.Change{After: fold.Rows{
		Conversation: fold.Conversation{
			ConversationKey: key, BeganAt: 3, CreatedAt: 1, ClosedAt: at(7258118399999), Duration: new(int64(7258118399998)), FirstClosedAt: at(2),
			Channel: "WHATSAPP", Language: new("fr"), Initiator: new(schema.InitiatorVisitor),
			Visitor: &schema.Visitor{ID: "v", ExternalID: new("x"), FirstName: new("Ann"), LastName: new("O'Neil\n"),
				Email: new("a@example.org"), Phone: new("+33")},
			Campaign:     &schema.Ref{ID: "c", Name: new("Campaign")},
			CustomData:   []schema.CustomValue{{Key: "a", Value: "1.50"}, {Key: "b", Value: ""}},
			ContactCount: 1, SnoozeCount: 2, TransferCount: 3, ReopenCount: 4, AnomalyCount: 4294967295,
			Answered: true, AnsweredByHuman: true, AutomationLevel: new(fold.FullyAutomated), Abandoned: true,
			FirstResponseTime: new(int64(5)), ResolutionTime: new(int64(6)), FirstResolutionTime: new(int64(7)),
			HandleTime: 8, HumanHandleTime: 9, SnoozeTime: 10, VisitorMessageCount: 11, OperatorMessageCount: 12,
			CustomerSatisfaction: new(uint8(5)), NetPromoterScore: new(uint8(0)), Comment: new(""), SatisfactionAnsweredAt: at(3), Unattended: []schema.Timestamp{2, 5},
			Tags:  []schema.Ref{{ID: "t2", Name: new("Tag")}, {ID: "t1"}},
			Users: []schema.User{{ID: 1, Kind: schema.KindExpert}, operator}, TagCount: 2, UserCount: 2,
			Routing: []fold.Routing{{At: 3, Rule: schema.Ref{ID: "r", Name: new("Rule")}, Group: group},
				{At: 4, Rule: schema.Ref{ID: "r2"}}},
			Marks: []fold.Mark{
				{EventID: "e1", At: 3, Position: 1, Type: schema.TypeTransferred, From: &operator, To: &schema.User{ID: 2},
					ToRule: &schema.Ref{ID: "r", Name: new("Rule")}, ToGroup: group, Until: at(5), Reason: new("why")},
				{EventID: "e2", At: 4, Position: 2, Type: schema.TypeClosed},
			},
			Revenue: map[schema.Currency]decimal.Decimal{
				"EUR": decimal.RequireFromString("9999999999999999999999999999999999.9999"),
				"CHF": decimal.RequireFromString("-0.0001"),
			},
			CloseReason: new("END_OF_BOT_SCENARIO"), FirstSequence: 1, LastSequence: 1<<63 + 1, EventCount: 13,
		},
		Contacts: []fold.Contact{{
			ID: "c:1", Ordinal: 1, Channel: "WHATSAPP", StartedAt: 2, EndedAt: at(4), Duration: new(int64(2)),
			Status: fold.Answered, Ending: new(fold.EndedRepushed), EndingInferred: true, CloseReason: new("x"),
			WaitTime: new(int64(1)), FirstResponseTime: new(int64(0)), ReturnTime: new(int64(3)), VisitorMessageCount: 1, OperatorMessageCount: 2,
			Operator: operator, RoutingRule: &schema.Ref{ID: "r", Name: new("Rule")}, RoutingGroup: group,
		}},
		Messages: []fold.Message{{ID: "m", ContactID: new("c:1"), SentAt: 3, AuthorKind: schema.KindBot,
			AuthorID: new("9007199254740991"), Automatic: true, Text: new("héllo \x00\t\xff"), ReadAt: at(4), DeletedAt: at(5), Position: 7}},
		Transactions: []fold.Transaction{{ID: "t", ExternalConversionID: "x", Amount: -999_999_999_999_999_999, Currency: "EUR",
			ReceivedAt: 5, Source: new(schema.SourceOnsite), AttributedTo: new(schema.OperatorID(3))}},
	}}
}

func TestEveryColumnComesBack(t *testing.T) { overBoth(t, testEveryColumnComesBack) }

func testEveryColumnComesBack(t *testing.T, url string) {
	s := emptyOver(t, connectTo(t, url), Options{StoreText: true})
	key := foldtest.Conversation(7, 1)
	batch := &projector.Batch{Log: projector.LogEvents, Position: 1<<63 + 2, Changes: []projector.Change{full(key)},
		Quarantine: []projector.Rejection{{Log: "rejected", Sequence: 4, ReceivedAt: 5, Reason: schema.CodeInvalid, Detail: "time: rule",
			Source: "s", EventID: "e", Original: []byte("{\xff")}}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%q", key.Conversation)
	const version = "9223372036854775809"
	hold(t, "conversations", read(t, s, "conversations"), map[string]string{
		"project_id": "7", "conversation_id": id, "created_at": `"1970-01-01 00:00:00.001"`, "closed_at": `"2199-12-31 23:59:59.999"`,
		"first_closed_at": `"1970-01-01 00:00:00.002"`, "satisfaction_answered_at": `"1970-01-01 00:00:00.003"`,
		"duration_ms": "7258118399998", "channel": `"WHATSAPP"`, "language": `"fr"`, "initiator": `"VISITOR"`, "visitor_id": `"v"`,
		"campaign_id": `"c"`, "campaign_name": `"Campaign"`, "custom_data": `{"a":"1.50","b":""}`,
		"contact_count": "1", "snooze_count": "2", "transfer_count": "3", "reopen_count": "4", "anomaly_count": "4294967295",
		"answered": "true", "answered_by_human": "true", "automation_level": `"FULLY_AUTOMATED"`, "abandoned": "true",
		"first_response_time_ms": "5", "resolution_time_ms": "6", "first_resolution_time_ms": "7",
		"handle_time_ms": "8", "human_handle_time_ms": "9", "snooze_time_ms": "10",
		"visitor_message_count": "11", "operator_message_count": "12",
		"customer_satisfaction": "5", "net_promoter_score": "0", "satisfaction_comment": `""`,
		"tag_ids": `["t2","t1"]`, "tag_names": `["Tag",null]`, "tag_count": "2", "user_count": "2", "user_ids": "[1,9007199254740991]",
		"revenue":           `{"CHF":"-0.0001","EUR":"9999999999999999999999999999999999.9999"}`,
		"transaction_count": "1", "close_reason": `"END_OF_BOT_SCENARIO"`, "event_count": "13",
		"first_sequence": "1", "last_sequence": version,
		"_began_at": `"1970-01-01 00:00:00.003"`, "_first_contact_at": `"1970-01-01 00:00:00.002"`, "_last_contact_at": `"1970-01-01 00:00:00.002"`,
		"_operator_ids": "[9007199254740991]", "_operator_kinds": `["BOT"]`, "_routing_rule_ids": `["r"]`, "_routing_group_ids": `["g"]`,
		"_transaction_counts": `{"EUR":1}`,
		"_users":              `[{"email":null,"id":1,"kind":"EXPERT","name":null},{"email":"z@example.org","id":9007199254740991,"kind":"BOT","name":"Zoë"}]`,
		"_routing": `[{"at":"1970-01-01 00:00:00.003","group_id":"g","group_name":"Group","rule_id":"r","rule_name":"Rule"},` +
			`{"at":"1970-01-01 00:00:00.004","group_id":null,"group_name":null,"rule_id":"r2","rule_name":null}]`,
		"_marks": `[{"at":"1970-01-01 00:00:00.003","event_id":"e1","from_email":"z@example.org","from_id":9007199254740991,"from_kind":"BOT","from_name":"Zoë",` +
			`"position":1,"reason":"why","to_email":null,"to_group_id":"g","to_group_name":"Group","to_id":2,"to_kind":null,"to_name":null,` +
			`"to_rule_id":"r","to_rule_name":"Rule","type":"parley.conversation.transferred.v1","until":"1970-01-01 00:00:00.005"},` +
			`{"at":"1970-01-01 00:00:00.004","event_id":"e2","from_email":null,"from_id":null,"from_kind":null,"from_name":null,` +
			`"position":2,"reason":null,"to_email":null,"to_group_id":null,"to_group_name":null,"to_id":null,"to_kind":null,"to_name":null,` +
			`"to_rule_id":null,"to_rule_name":null,"type":"parley.conversation.closed.v1","until":null}]`,
		"_turns": "[]", "_snoozed": "[]", "_unattended": `["1970-01-01 00:00:00.002","1970-01-01 00:00:00.005"]`,
		"_version": version,
	})
	hold(t, "contacts", read(t, s, "contacts"), map[string]string{
		"project_id": "7", "conversation_id": id, "contact_id": `"c:1"`, "ordinal": "1", "channel": `"WHATSAPP"`,
		"started_at": `"1970-01-01 00:00:00.002"`, "ended_at": `"1970-01-01 00:00:00.004"`, "duration_ms": "2",
		"status": `"ANSWERED"`, "ending": `"REPUSHED"`, "ending_inferred": "true", "close_reason": `"x"`,
		"wait_time_ms": "1", "first_response_time_ms": "0", "visitor_message_count": "1", "operator_message_count": "2",
		"operator_id": "9007199254740991", "operator_kind": `"BOT"`, "operator_name": `"Zoë"`, "operator_email": `"z@example.org"`,
		"routing_rule_id": `"r"`, "routing_rule_name": `"Rule"`, "routing_group_id": `"g"`, "routing_group_name": `"Group"`,
		"_closed": "true", "_answered": "true", "_answered_by_human": "true", "_automation_level": `"FULLY_AUTOMATED"`,
		"_customer_satisfaction": "5", "_net_promoter_score": "0", "_language": `"fr"`,
		"_campaign_id": `"c"`, "_campaign_name": `"Campaign"`, "_tag_ids": `["t2","t1"]`, "_tag_names": `["Tag",null]`,
		"_contact_count": "1", "_transfer_count": "3", "_snooze_count": "2", "_reopen_count": "4", "_transaction_count": "1",
		"_initiator": `"VISITOR"`, "_custom_data": `{"a":"1.50","b":""}`, "_return_time_ms": "3", "_version": version,
	})
	hold(t, "messages", read(t, s, "messages"), map[string]string{
		"project_id": "7", "conversation_id": id, "message_id": `"m"`, "contact_id": `"c:1"`, "sent_at": `"1970-01-01 00:00:00.003"`,
		"author_kind": `"BOT"`, "author_id": `"9007199254740991"`, "automatic": "true", "read_at": `"1970-01-01 00:00:00.004"`, "deleted_at": `"1970-01-01 00:00:00.005"`, "_began_at": `"1970-01-01 00:00:00.003"`, "_position": "7", "_version": version,
	})
	hold(t, "transactions", read(t, s, "transactions"), map[string]string{
		"project_id": "7", "conversation_id": id, "transaction_id": `"t"`, "external_conversion_id": `"x"`,
		"amount": `"-99999999999999.9999"`, "currency": `"EUR"`, "received_at": `"1970-01-01 00:00:00.005"`, "source": `"ONSITE"`,
		"attributed_to_id": "3", "_began_at": `"1970-01-01 00:00:00.003"`, "_version": version,
	})
	hold(t, "visitors", read(t, s, "visitors"), map[string]string{
		"project_id": "7", "conversation_id": id, "visitor_id": `"v"`, "external_id": `"x"`, "first_name": `"Ann"`, "last_name": `"O'Neil\n"`,
		"email": `"a@example.org"`, "phone": `"+33"`, "_version": version,
	})
	if got := enginetest.ClickHouse(t).Exec(t, s.in("SELECT hex(text) FROM $projection.message_texts FINAL")); got != fmt.Sprintf("%X", "héllo \x00\t\xff") {
		t.Errorf("text is %s", got)
	}
	if got := enginetest.ClickHouse(t).Exec(t, s.in("SELECT hex(original) FROM $projection.quarantine FINAL")); got != "7BFF" {
		t.Errorf("original of quarantine is %s", got)
	}
	if position, _, err := s.Position(t.Context(), projector.LogEvents); position != batch.Position || err != nil {
		t.Errorf("position is %d (%v)", position, err)
	}
}

func TestMissingValuesAreNull(t *testing.T) {
	s := empty(t, Options{StoreText: true})
	change := projector.Change{After: fold.Rows{
		Conversation: fold.Conversation{ConversationKey: foldtest.Conversation(1, 1), Channel: schema.ChannelUnknown, LastSequence: 1, EventCount: 1,
			Visitor: &schema.Visitor{ID: "v"}, Campaign: &schema.Ref{ID: "c"}},
		Contacts:     []fold.Contact{{ID: "c:1", Status: fold.Ongoing, Operator: schema.User{ID: 1, Kind: schema.KindBot}}},
		Messages:     []fold.Message{{ID: "m", AuthorKind: schema.KindVisitor}},
		Transactions: []fold.Transaction{{ID: "t", Currency: "EUR"}},
	}}
	batch := &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{change},
		Quarantine: []projector.Rejection{{Log: projector.LogEvents, Sequence: 1, Reason: schema.CodeInvalidJSON}}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	null := map[string][]string{
		"conversations": {"closed_at", "duration_ms", "language", "initiator", "campaign_name", "automation_level", "first_response_time_ms",
			"resolution_time_ms", "first_resolution_time_ms", "customer_satisfaction", "net_promoter_score", "satisfaction_comment", "close_reason",
			"first_closed_at", "satisfaction_answered_at"},
		"contacts": {"ended_at", "duration_ms", "ending", "close_reason", "wait_time_ms", "first_response_time_ms", "operator_name",
			"operator_email", "routing_rule_id", "routing_rule_name", "routing_group_id", "routing_group_name", "_initiator", "_return_time_ms"},
		"messages":     {"contact_id", "author_id", "read_at", "deleted_at"},
		"transactions": {"source", "attributed_to_id"},
		"visitors":     {"external_id", "first_name", "last_name", "email", "phone"},
		"quarantine":   {"source", "event_id"},
	}
	for table, columns := range null {
		row := read(t, s, table)
		for _, column := range columns {
			if value, there := row[column]; !there || value != nil {
				t.Errorf("%s.%s is %v", table, column, value)
			}
			delete(row, column)
		}
		for column, value := range row {
			if value == nil && !strings.HasPrefix(column, "_") {
				t.Errorf("%s.%s is null", table, column)
			}
		}
	}
	if texts := enginetest.ClickHouse(t).Exec(t, s.in("SELECT count() FROM $projection.message_texts")); texts != "0" {
		t.Errorf("%s texts of messages without one", texts)
	}
}

func TestTextsAreOnlyKeptWhenAskedFor(t *testing.T) {
	s := empty(t, Options{})
	batch := &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{full(foldtest.Conversation(1, 1))}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if texts := enginetest.ClickHouse(t).Exec(t, s.in("SELECT count() FROM $projection.message_texts")); texts != "0" {
		t.Errorf("%s texts are kept", texts)
	}
}

// TestRowsThatStayAreNotWrittenAgain folds a message more into a conversation,
// and then an answer, which contacts repeat.
func TestRowsThatStayAreNotWrittenAgain(t *testing.T) {
	s := empty(t, Options{StoreText: true})
	first := full(foldtest.Conversation(1, 1))
	first.After.Conversation.LastSequence = 1
	second := full(foldtest.Conversation(1, 1)) // equal values, other pointers
	second.Before = &first.After
	second.After.Conversation.LastSequence = 2
	second.After.Messages = append(second.After.Messages, fold.Message{ID: "m2", AuthorKind: schema.KindVisitor})
	third := full(foldtest.Conversation(1, 1))
	third.Before = &second.After
	third.After.Messages = second.After.Messages
	third.After.Conversation.LastSequence = 3
	third.After.Conversation.CustomerSatisfaction = new(uint8(1))
	for i, step := range []struct {
		change projector.Change
		want   map[string]string
	}{
		{first, map[string]string{"conversations": "1", "contacts": "1", "messages": "1", "message_texts": "1", "transactions": "1", "visitors": "1"}},
		{second, map[string]string{"conversations": "2", "contacts": "1", "messages": "1,2", "message_texts": "1", "transactions": "1", "visitors": "1"}},
		{third, map[string]string{"conversations": "3", "contacts": "3", "messages": "1,2", "message_texts": "1", "transactions": "1", "visitors": "1"}},
	} {
		if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: schema.Sequence(i + 1), Changes: []projector.Change{step.change}}); err != nil {
			t.Fatal(err)
		}
		for table, want := range step.want {
			got := enginetest.ClickHouse(t).Exec(t, s.in("SELECT arrayStringConcat(arraySort(groupUniqArray(toString(_version))), ',') FROM $projection."+table+" FINAL"))
			if got != want {
				t.Errorf("after %d: %s has rows of versions %s, want %s", i+1, table, got, want)
			}
		}
	}
}

// TestTablesOfBeforeAreFilled takes from contacts what older tables do not have.
func TestTablesOfBeforeAreFilled(t *testing.T) {
	s := empty(t, Options{})
	changes := []projector.Change{full(foldtest.Conversation(1, 1)), full(foldtest.Conversation(2, 1))}
	for i := range changes {
		changes[i].After.Contacts[0].ReturnTime = nil // the marks have no push
	}
	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	server := enginetest.ClickHouse(t)
	const all = "SELECT * FROM $projection.contacts FINAL ORDER BY project_id FORMAT TSVWithNames"
	want := server.Exec(t, s.in(all))
	for column := range strings.FieldsSeq(server.Exec(t, "SELECT name FROM system.columns WHERE database = '"+s.in("$projection")+
		"' AND table = 'contacts' AND startsWith(name, '_') AND name != '_version'")) {
		server.Exec(t, s.in("ALTER TABLE $projection.contacts DROP COLUMN "+column+" SETTINGS mutations_sync = 2"))
	}
	if left := server.Exec(t, s.in(all)); len(left) > len(want)/2+len(want)/4 {
		t.Fatalf("nothing was taken away: %s", left)
	}
	for n, f := range ddl.Projection(s.options.Projection) {
		if n < 31 || strings.Contains(f.Name, "contacts_initiator") { // the others make other tables
			server.Exec(t, f.Statement)
		}
	}
	if got := server.Exec(t, s.in(all)); got != want {
		t.Errorf("contacts are\n%s\nwant\n%s", got, want)
	}
}
