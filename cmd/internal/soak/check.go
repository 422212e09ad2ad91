package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/reference"
	"github.com/parley-analytics/parley/schema"
)

// verdict is what a check has found.
type verdict struct {
	events, rows               int
	lost, doubled, differing   int
	firstLost, firstDifference string
}

func (v *verdict) lose(what string) {
	v.lost++
	v.firstLost = what
}

// check holds the tables against the log, and the log against what was
// acknowledged. The senders have to pause meanwhile.
func (in *instance) check(ctx context.Context, senders []*sender) (v verdict, err error) {
	log, err := in.readLog(ctx)
	if err != nil {
		return v, fmt.Errorf("read the log: %w", err)
	}
	if err := in.caughtUp(ctx, log.last); err != nil {
		return v, err
	}
	conversations := foldtest.Distinct(log.records)
	distinct := map[schema.EventKey]bool{}
	for _, of := range conversations {
		v.events += len(of)
		for i := range of {
			distinct[of[i].Event.Key()] = true
		}
	}
	unreadable := map[string]bool{}
	for _, r := range log.refused {
		unreadable[string(r.payload)] = true
	}
	for _, s := range senders {
		s.mu.Lock()
		for key := range s.keys {
			if !distinct[key] {
				v.lose(fmt.Sprint(key))
			}
		}
		for payload := range s.unreadable {
			if !unreadable[payload] {
				v.lose(fmt.Sprintf("the message %.100q", payload))
			}
		}
		s.mu.Unlock()
	}

	want := map[string]map[string]string{}
	for _, table := range tables {
		want[table.name] = map[string]string{}
	}
	people := customers{}
	for _, of := range conversations {
		rows := reference.Rows(of)
		in.expect(want, rows, of)
		people.add(rows)
	}
	for project, of := range people {
		for id, c := range of {
			in.want(want, "customers", c.row(project, id))
		}
	}
	for _, r := range log.refused {
		in.want(want, "quarantine", map[string]any{
			"sequence": r.Sequence, "reason": r.reason.Code, "source": textOrNull(r.Event.Source), "event_id": textOrNull(r.Event.ID),
		})
	}
	for _, table := range tables {
		if err := in.compare(table, log.last, want[table.name], &v); err != nil {
			return v, fmt.Errorf("%s: %w", table.name, err)
		}
	}
	return v, nil
}

// logged is what the log contains.
type logged struct {
	records []schema.Record
	refused []refused
	last    schema.Sequence
}

// refused is an entry that is no event.
type refused struct {
	schema.Record // as far as it could be read
	reason        *schema.Error
	payload       []byte
}

// readLog reads the log from the beginning.
func (in *instance) readLog(ctx context.Context) (log logged, err error) {
	broker, err := in.logAccess().open(ctx)
	if err != nil {
		return log, err
	}
	defer broker.Close()
	reader := broker.Events().NewReader()
	defer reader.Close()
	if log.last, err = reader.Last(ctx); err != nil {
		return log, err
	}
	for at := schema.Sequence(0); at < log.last; {
		entries, err := reader.Read(ctx, at, 5000, time.Second)
		if err != nil {
			return log, err
		}
		for _, entry := range entries {
			at = entry.End()
			if schema.IsCanary(entry.Payload) {
				continue
			}
			event, reason := schema.Decode(entry.Payload, entry.ReceivedAt)
			record := schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt), Event: event}
			if reason != nil {
				log.refused = append(log.refused, refused{record, reason, slices.Clone(entry.Payload)})
				continue
			}
			log.records = append(log.records, record)
		}
	}
	return log, nil
}

// caughtUp waits until the live projection has reached a sequence.
func (in *instance) caughtUp(ctx context.Context, last schema.Sequence) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		position, err := in.owner().position(ctx)
		if err == nil && position >= last {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the projection is at %d two minutes after the log stopped at %d (%w)", position, last, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// compare reads a view and holds each row against the wanted one.
func (in *instance) compare(t table, last schema.Sequence, want map[string]string, v *verdict) error {
	seen := map[string]bool{}
	differs := func(key, found string) {
		v.differing++
		if v.firstDifference == "" {
			v.firstDifference = fmt.Sprintf("%s %s:\n want %s\n have %s", t.name, key, want[key], found)
		}
	}
	statement := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name
	if t.where != "" {
		statement += fmt.Sprintf(" WHERE "+t.where, last)
	}
	err := in.query(statement, func(row map[string]any) {
		v.rows++
		key, found := t.identify(row), in.canonical(row)
		if seen[key] {
			v.doubled++
		}
		seen[key] = true
		if found != want[key] {
			differs(key, found)
		}
	})
	for key := range want {
		if err == nil && !seen[key] {
			differs(key, "no row")
		}
	}
	return err
}

// table is a stable view: the columns that identify its rows, and what is compared.
type table struct {
	name    string
	key     []string
	columns []string
	where   string // of the rows that are compared, up to a sequence; empty for all
}

var tables = []table{
	{"conversations", []string{"project_id", "conversation_id"}, strings.Fields(`
		project_id conversation_id created_at closed_at duration_ms channel language initiator visitor_id
		campaign_id campaign_name custom_data contact_count snooze_count transfer_count reopen_count anomaly_count
		answered answered_by_human automation_level abandoned first_response_time_ms resolution_time_ms
		first_resolution_time_ms handle_time_ms human_handle_time_ms snooze_time_ms visitor_message_count
		operator_message_count customer_satisfaction net_promoter_score satisfaction_comment tag_ids tag_names
		tag_count user_ids user_count revenue close_reason event_count first_sequence last_sequence`), ""},
	{"contacts", []string{"contact_id", "project_id"}, strings.Fields(`
		project_id conversation_id contact_id ordinal channel started_at ended_at duration_ms status ending
		ending_inferred close_reason wait_time_ms first_response_time_ms visitor_message_count
		operator_message_count operator_id operator_kind operator_name operator_email routing_rule_id
		routing_rule_name routing_group_id routing_group_name`), ""},
	{"messages", []string{"project_id", "conversation_id", "message_id"}, strings.Fields(`
		project_id conversation_id message_id contact_id sent_at author_kind author_id automatic read_at deleted_at`), ""},
	{"sellers", []string{"project_id", "seller_id"}, strings.Fields(`
		project_id seller_id business_name legal_business_name online created_at updated_at event_count first_sequence last_sequence`), ""},
	{"customers", []string{"project_id", "customer_id"}, strings.Fields(`
		project_id customer_id conversation_count orders_count total_spent created_at updated_at event_count
		first_sequence last_sequence`), ""},
	{"transactions", []string{"project_id", "conversation_id", "transaction_id"}, strings.Fields(`
		project_id conversation_id transaction_id external_conversion_id amount currency received_at source
		attributed_to_id`), ""},
	{"events", []string{"project_id", "source", "event_id"}, strings.Fields(`
		project_id conversation_id event_id source type time sequence`), ""},
	{"quarantine", []string{"sequence"}, strings.Fields("sequence reason source event_id"), "log = 'events' AND sequence <= %d"},
}

func (t table) identify(row map[string]any) string {
	var key []string
	for _, column := range t.key {
		key = append(key, fmt.Sprint(row[column]))
	}
	return strings.Join(key, "/")
}

// canonical writes a row so that equal rows are equal texts: members sorted,
// numbers without trailing zeros.
func (in *instance) canonical(row map[string]any) string {
	if in.renumbered {
		for _, name := range []string{"sequence", "first_sequence", "last_sequence"} {
			delete(row, name)
		}
	}
	text, err := json.Marshal(plain(row))
	if err != nil {
		panic(err) // what came out of JSON goes into it
	}
	return string(text)
}

func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		if d, err := decimal.NewFromString(v.String()); err == nil {
			return json.Number(d.String())
		}
		return v
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return value
}

// want notes a row that a table has to have.
func (in *instance) want(want map[string]map[string]string, name string, row map[string]any) {
	text, err := json.Marshal(row)
	if err != nil {
		panic(err) // rows are made of plain values
	}
	var decoded map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&decoded); err != nil {
		panic(err)
	}
	i := slices.IndexFunc(tables, func(t table) bool { return t.name == name })
	want[name][tables[i].identify(decoded)] = in.canonical(decoded)
}

// expect notes the rows that a conversation has to have.
func (in *instance) expect(want map[string]map[string]string, rows fold.Rows, records []schema.Record) {
	add := func(name string, row map[string]any) { in.want(want, name, row) }
	c := rows.Conversation
	if !rows.Empty() {
		add("conversations", conversationRow(&c))
	}
	if s := rows.Seller; s != nil {
		add("sellers", map[string]any{
			"project_id": c.Project, "seller_id": s.ID, "business_name": s.BusinessName, "legal_business_name": s.LegalBusinessName,
			"online": s.Online, "created_at": moment(s.CreatedAt), "updated_at": moment(s.UpdatedAt), "event_count": s.EventCount,
			"first_sequence": s.FirstSequence, "last_sequence": s.LastSequence,
		})
	}
	for i := range rows.Contacts {
		add("contacts", contactRow(&c, &rows.Contacts[i]))
	}
	for _, m := range rows.Messages {
		add("messages", map[string]any{
			"project_id": c.Project, "conversation_id": c.Conversation, "message_id": m.ID, "contact_id": m.ContactID,
			"sent_at": moment(m.SentAt), "author_kind": m.AuthorKind, "author_id": m.AuthorID, "automatic": m.Automatic,
			"read_at": momentOrNull(m.ReadAt), "deleted_at": momentOrNull(m.DeletedAt),
		})
	}
	for _, t := range rows.Transactions {
		add("transactions", map[string]any{
			"project_id": c.Project, "conversation_id": c.Conversation, "transaction_id": t.ID,
			"external_conversion_id": t.ExternalConversionID, "amount": json.Number(t.Amount.String()), "currency": t.Currency,
			"received_at": moment(t.ReceivedAt), "source": t.Source, "attributed_to_id": t.AttributedTo,
		})
	}
	for i := range records {
		e := &records[i].Event
		add("events", map[string]any{
			"project_id": e.Project, "conversation_id": e.Conversation, "event_id": e.ID, "source": e.Source,
			"type": e.Type, "time": moment(e.Time), "sequence": records[i].Sequence,
		})
	}
}
