package tables

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// contract is sections 3, 4 and 7 of the contract as columns: the snake_case of
// the fields, in the spelling of section 7 where it gives one.
var contract = map[string]string{
	"conversations": `project_id conversation_id created_at closed_at duration_ms contact_count snooze_count transfer_count reopen_count
		answered answered_by_human automation_level abandoned first_response_time_ms resolution_time_ms first_resolution_time_ms
		handle_time_ms human_handle_time_ms snooze_time_ms visitor_message_count operator_message_count
		customer_satisfaction net_promoter_score satisfaction_comment tag_ids tag_names tag_count user_ids user_count revenue close_reason
		visitor_id language campaign_id campaign_name custom_data channel initiator anomaly_count
		first_sequence last_sequence event_count
		first_closed_at satisfaction_answered_at in_business_hours first_response_business_hours_ms resolution_business_hours_ms
		transaction_count`, // the last is ours: how many transactions, beside their revenue
	"contacts": `project_id conversation_id contact_id started_at ended_at duration_ms status ending ending_inferred close_reason
		wait_time_ms first_response_time_ms visitor_message_count operator_message_count
		operator_id operator_kind operator_name operator_email routing_rule_id routing_rule_name routing_group_id routing_group_name
		ordinal channel in_business_hours wait_business_hours_ms first_response_business_hours_ms snooze_return_time_ms`,
	"transactions": `project_id conversation_id transaction_id external_conversion_id amount currency received_at source attributed_to_id`,
	"messages":     `project_id conversation_id message_id contact_id sent_at author_kind author_id automatic read_at deleted_at`,
	"customers": `project_id customer_id type channels conversation_count orders_count total_spent created_at updated_at
		last_chat_at event_count first_sequence last_sequence`,
	"sellers": `project_id conversation_id seller_id business_name legal_business_name online created_at updated_at last_message_at
		event_count first_sequence last_sequence`,
	"customers_personal": `project_id customer_id external_id first_name last_name email phone notes ip_address ip_location custom_data`,
	"sellers_personal":   `project_id seller_id email_address phone`,
	"events":             `project_id conversation_id event_id source type time sequence received_at`,
	"quarantine":         `log sequence received_at reason detail source event_id`,
	"visitors":           `project_id conversation_id visitor_id external_id first_name last_name email phone`,
	"routings": `project_id conversation_id conversation_created_at ordinal routed_at routing_rule_id routing_rule_name routing_group_id
		routing_group_name`,
	"snoozes": `project_id conversation_id conversation_created_at event_id snoozed_at until from_user_id from_user_kind from_user_name`,
	"transfers": `project_id conversation_id conversation_created_at event_id transferred_at from_user_id from_user_kind from_user_name
		to_user_id to_user_kind to_user_name to_routing_rule_id to_routing_rule_name to_routing_group_id to_routing_group_name`,
	"state_changes":      `project_id conversation_id conversation_created_at change ordinal changed_at`,
	"conversation_tags":  `project_id conversation_id conversation_created_at ordinal tag_id tag_name`,
	"conversation_users": `project_id conversation_id conversation_created_at user_id user_kind user_name`,
	"operators":          `project_id operator_id operator_kind operator_name operator_email contact_count first_contact_at last_contact_at`,
	// Keys and one column more.
	"message_texts":       `project_id conversation_id message_id text`,
	"events_original":     `project_id conversation_id event_id source sequence original`,
	"quarantine_original": `log sequence original`,
}

// personal are the names the BI user is refused.
var personal = []string{"visitors", "message_texts", "events_original", "quarantine_original", "customers_personal", "sellers_personal"}

func TestStableNamesHaveTheColumnsOfTheContract(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	views, err := tables.names(t.Context(), "SELECT name FROM system.tables WHERE database = 'parley' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(maps.Keys(contract)); !slices.Equal(views, want) {
		t.Errorf("views are %v, want %v", views, want)
	}
	for view, columns := range contract {
		got, err := tables.names(t.Context(), "SELECT name FROM system.columns WHERE database = 'parley' AND table = '"+view+"' ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(columns)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%v\nwant\n%v", view, got, want)
		}
	}
	types := map[string]string{
		"conversations.custom_data": "Map(String, String)", "conversations.revenue": "Map(LowCardinality(String), Decimal(38, 4))",
		"transactions.amount": "Decimal(18, 4)", "conversations.closed_at": "Nullable(DateTime64(3, 'UTC'))", "contacts.project_id": "UInt32",
		"conversations.tag_names": "Array(Nullable(String))", "contacts.duration_ms": "Nullable(Int64)", "events.sequence": "UInt64",
	}
	for name, want := range types {
		table, column, _ := strings.Cut(name, ".")
		got := enginetest.ClickHouse(t).Exec(t, "SELECT type FROM system.columns WHERE database = 'parley' AND table = '"+table+"' AND name = '"+column+"' FORMAT RawBLOB")
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestEveryTableAndColumnHasAComment(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	without, err := tables.names(t.Context(), `
		SELECT database || '.' || name FROM system.tables WHERE (database = 'parley' OR startsWith(database, 'parley_')) AND comment = ''
		UNION ALL
		SELECT database || '.' || table || '.' || name FROM system.columns WHERE (database = 'parley' OR startsWith(database, 'parley_')) AND comment = ''`)
	if err != nil {
		t.Fatal(err)
	}
	if len(without) > 0 {
		t.Errorf("without a comment: %v", without)
	}
	// Each recipe for local time is run as it is written.
	recipes, err := tables.names(t.Context(), `SELECT name || ' ' || extract(comment, 'local time: (toTimeZone.*)$') FROM system.tables WHERE database = 'parley'
		AND name IN (SELECT table FROM system.columns WHERE database = 'parley' AND type LIKE '%DateTime64%')`)
	if err != nil || len(recipes) < 12 {
		t.Fatalf("%d views have times, %v", len(recipes), err)
	}
	for _, recipe := range recipes {
		view, local, _ := strings.Cut(recipe, " ")
		if _, err := enginetest.ClickHouse(t).Query(enginetest.ClickHouse(t).Writer, "SELECT "+local+" FROM parley."+view); err != nil || local == "" {
			t.Errorf("%s: %q: %v", view, local, err)
		}
	}
}

func TestViewColumnsCarryTheCommentsOfTheTables(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	for _, v := range ddl.Views() {
		if !strings.Contains(v.Statement, "$columns") {
			continue // a computed view, which has comments of its own
		}
		differ, err := tables.names(t.Context(), `SELECT view.name FROM system.columns AS view
			INNER JOIN system.columns AS source ON source.name = view.name AND source.database = 'parley_1' AND source.table = '`+v.Reads[0].Table+`'
			WHERE view.database = 'parley' AND view.table = '`+v.View+`' AND (view.comment != source.comment OR view.type != source.type)`)
		if err != nil {
			t.Fatal(err)
		}
		if len(differ) > 0 {
			t.Errorf("%s differs in %v", v.View, differ)
		}
	}
}

func TestBIUserReadsOnlyTheViews(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	server := enginetest.ClickHouse(t)
	for view := range contract {
		_, err := server.Query(server.BI, "SELECT * FROM parley."+view)
		if refused := slices.Contains(personal, view); (err != nil) != refused {
			t.Errorf("%s: refused %v: %v", view, refused, err)
		} else if refused && !strings.Contains(err.Error(), "ACCESS_DENIED") {
			t.Errorf("%s: %v", view, err)
		}
	}
	internal, err := tables.names(t.Context(), "SELECT database || '.' || name FROM system.tables WHERE database = 'parley_1' OR database = 'parley_meta'")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range internal {
		if _, err := server.Query(server.BI, "SELECT * FROM "+table); err == nil || !strings.Contains(err.Error(), "ACCESS_DENIED") {
			t.Errorf("%s can be read: %v", table, err)
		}
	}
	for _, statement := range []string{
		"INSERT INTO parley.quarantine (sequence) SELECT 1", "DROP VIEW parley.contacts", "CREATE VIEW parley.x AS SELECT 1",
		"ALTER TABLE parley_1.contacts DELETE WHERE 1", "CREATE OR REPLACE VIEW parley.contacts AS SELECT 1",
	} {
		if _, err := server.Query(server.BI, statement); err == nil {
			t.Errorf("the BI user may %s", statement)
		}
	}
}

// The users of the views get their rights with the version that is made live;
// the embedded engine has them for versions to come, and takes no others.
func TestRightsOfTheViewsAreNotTakenForGranted(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	const far = 100_000
	if err := tables.Create(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	if err := tables.Offer(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	if err := tables.Swap(t.Context(), far, 1); err == nil || !strings.Contains(err.Error(), "rights of view parley.conversations") {
		t.Errorf("the version is made live: %v", err)
	}
	var pending *ddl.PendingError
	if err := tables.Check(t.Context()); !errors.As(err, &pending) || !slices.Contains(pending.Missing, "rights of view parley.visitors") {
		t.Errorf("check says %v", err)
	}
}
