package sink

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/reference"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// TestComputedViewsAgreeWithTheEvents counts what the computed views and columns show from the events of random streams, and from
// the rows of the reference.
func TestComputedViewsAgreeWithTheEvents(t *testing.T) {
	for seed := range uint64(3) {
		d := foldtest.Seeded(seed)
		s := empty(t, Options{})
		r := reader{sink: s, log: archived(foldtest.Stream(d, 40), 1)}
		for int(r.position) < len(r.log) {
			if err := r.step(t.Context(), 1+d.IntN(200)); err != nil {
				t.Fatal(err)
			}
		}
		want := counted(t, &r)
		for view, columns := range map[string]string{
			"conversations":      "project_id, conversation_id, toUnixTimestamp64Milli(first_closed_at), toUnixTimestamp64Milli(satisfaction_answered_at)",
			"routings":           "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), toUnixTimestamp64Milli(routed_at), routing_rule_id, routing_rule_name, routing_group_id, routing_group_name",
			"snoozes":            "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), event_id, toUnixTimestamp64Milli(snoozed_at), toUnixTimestamp64Milli(until), from_user_id, from_user_kind, from_user_name",
			"transfers":          "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), event_id, toUnixTimestamp64Milli(transferred_at), from_user_id, from_user_kind, from_user_name, to_user_id, to_user_kind, to_user_name, to_routing_rule_id, to_routing_rule_name, to_routing_group_id, to_routing_group_name",
			"conversation_tags":  "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), ordinal, tag_id, tag_name",
			"conversation_users": "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), user_id, user_kind, user_name",
			"state_changes":      "project_id, conversation_id, toUnixTimestamp64Milli(conversation_created_at), change, ordinal, toUnixTimestamp64Milli(changed_at)",
			"operators":          "project_id, operator_id, operator_kind, operator_name, operator_email, contact_count, toUnixTimestamp64Milli(first_contact_at), toUnixTimestamp64Milli(last_contact_at)",
		} {
			got := shown(t, s, view, columns)
			slices.Sort(want[view])
			if len(got) < 5 {
				t.Errorf("seed %d: %s has only %d rows", seed, view, len(got))
			}
			if !slices.Equal(got, want[view]) {
				t.Errorf("seed %d: %s has %d rows, want %d; first difference:\n%s", seed, view, len(got), len(want[view]), difference(got, want[view]))
			}
		}
	}
}

// shown returns the rows of a view over the sink's projection, sorted, each as JSON.
func shown(t *testing.T, s *Sink, view, columns string) []string {
	t.Helper()
	server, database := enginetest.ClickHouse(t), enginetest.Database(t)
	for _, v := range ddl.Views() {
		if v.View != view {
			continue
		}
		// The order of columns is that of the table; only their names and types matter here.
		rows := server.Exec(t, s.in("SELECT name, type FROM system.columns WHERE database = '$projection' AND table = '"+v.Reads[0].Table+"'"))
		var table []ddl.Column
		for line := range strings.Lines(rows) {
			name, kind, _ := strings.Cut(strings.TrimSpace(line), "\t")
			table = append(table, ddl.Column{Name: name, Type: strings.ReplaceAll(kind, `\'`, "'")})
		}
		statement, err := v.Over(s.options.Projection, "", table)
		if err != nil {
			t.Fatal(err)
		}
		server.Exec(t, strings.NewReplacer("VIEW parley.", "VIEW "+database+".", "DEFINER = "+v.Definer, "DEFINER = parley_writer").Replace(statement))
	}
	answer := server.Exec(t, "SELECT "+columns+" FROM "+database+"."+view+" FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 0")
	var found []string
	for line := range strings.Lines(answer) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var row []any
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%s: %v in %s", view, err, line)
		}
		found = append(found, asJSON(row...))
	}
	slices.Sort(found)
	return found
}

func asJSON(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // plain values
	}
	return string(text)
}

func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		a, b := "(none)", "(none)"
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			return "got  " + a + "\nwant " + b
		}
	}
	return ""
}

// counted makes the rows of the views from the events that count.
func counted(t *testing.T, r *reader) map[string][]string {
	t.Helper()
	seen := map[schema.EventKey]bool{}
	histories := map[schema.ConversationKey][]schema.Record{}
	for _, e := range r.log {
		if key := e.Event.Key(); !seen[key] {
			seen[key] = true
			histories[e.Event.ConversationKey()] = append(histories[e.Event.ConversationKey()], e.Record)
		}
	}
	want := map[string][]string{}
	add := func(view string, values ...any) { want[view] = append(want[view], asJSON(values...)) }
	for _, records := range histories {
		rows := reference.Rows(records)
		if rows.Empty() {
			continue
		}
		c := &rows.Conversation
		key := []any{c.Project, c.ConversationKey.Conversation, c.CreatedAt}
		add("conversations", c.Project, c.ConversationKey.Conversation, c.FirstClosedAt, c.SatisfactionAnsweredAt)
		for i, tag := range c.Tags {
			add("conversation_tags", append(slices.Clone(key), i+1, tag.ID, tag.Name)...)
		}
		for _, u := range fold.Of(records).Conversation.Users { // the reference knows only their ids
			add("conversation_users", append(slices.Clone(key), u.ID, u.Kind, u.Name)...)
		}
		for i := range records {
			moves(add, key, &records[i].Event)
		}
		folded := fold.Of(records).Conversation
		for i, at := range folded.Unattended {
			add("state_changes", append(slices.Clone(key), []string{"UNATTENDED", "ATTENDED"}[i%2], 1+i/2, at)...)
		}
		changes(folded.Marks, c.CreatedAt, func(change string, ordinal int, at schema.Timestamp) {
			add("state_changes", append(slices.Clone(key), change, ordinal, at)...)
		})
	}
	for _, p := range people(histories) {
		add("operators", p...)
	}
	return want
}

// changes walks through the marks of a conversation.
func changes(marks []fold.Mark, created schema.Timestamp, add func(change string, ordinal int, at schema.Timestamp)) {
	count := map[string]int{}
	change := func(name string, at schema.Timestamp) {
		count[name]++
		add(name, count[name], at)
	}
	change("CREATED", created)
	closed, snoozed, pushed := false, false, false
	for _, m := range marks {
		if snoozed && (m.Type == schema.TypePushed || m.Type == schema.TypeClosed) {
			change("RESUMED", m.At)
			snoozed = false
		}
		switch {
		case m.Type == schema.TypePushed && closed:
			change("REOPENED", m.At)
			closed = false
		case m.Type == schema.TypeClosed && !closed:
			change("CLOSED", m.At)
			closed = true
		case m.Type == schema.TypeSnoozed && pushed:
			change("SNOOZED", m.At)
			snoozed = true
		}
		pushed = m.Type == schema.TypePushed
	}
}

// moves adds what an event of a conversation shows in the views.
func moves(add func(string, ...any), key []any, e *schema.Event) {
	user := func(u *schema.User) []any {
		if u == nil {
			return []any{nil, nil, nil}
		}
		if u.Kind == "" {
			return []any{u.ID, nil, u.Name}
		}
		return []any{u.ID, u.Kind, u.Name}
	}
	ref := func(r *schema.Ref) []any {
		if r == nil {
			return []any{nil, nil}
		}
		return []any{r.ID, r.Name}
	}
	switch data := e.Data.(type) {
	case *schema.Routed:
		add("routings", slices.Concat(key, []any{e.Time}, ref(&data.Rule), ref(data.Group))...)
	case *schema.Snoozed:
		add("snoozes", slices.Concat(key, []any{e.ID, e.Time, data.Until}, user(data.By))...)
	case *schema.Transferred:
		add("transfers", slices.Concat(key, []any{e.ID, e.Time}, user(data.From), user(data.To), ref(data.ToRule), ref(data.ToGroup))...)
	}
}

// people are the operators of all conversations, each with what the latest contact says that says it.
func people(histories map[schema.ConversationKey][]schema.Record) [][]any {
	type id struct {
		project schema.ProjectID
		user    schema.OperatorID
	}
	type contact struct {
		fold.Contact
		conversation schema.ConversationID
	}
	contacts := map[id][]contact{}
	kinds := map[id]fold.Conversation{} // the latest conversation that an operator took part in
	for _, records := range histories {
		rows, folded := reference.Rows(records), fold.Of(records)
		c := &folded.Conversation
		for _, one := range rows.Contacts {
			of := id{c.Project, one.Operator.ID}
			contacts[of] = append(contacts[of], contact{one, c.ConversationKey.Conversation})
		}
		for _, u := range c.Users {
			of := id{c.Project, u.ID}
			if last, found := kinds[of]; !found || cmp.Or(cmp.Compare(last.CreatedAt, c.CreatedAt),
				cmp.Compare(last.ConversationKey.Conversation, c.ConversationKey.Conversation)) < 0 {
				kinds[of] = *c
			}
		}
	}
	var list [][]any
	for of, last := range kinds {
		var kind schema.UserKind
		for _, u := range last.Users {
			if u.ID == of.user {
				kind = u.Kind
			}
		}
		theirs := contacts[of]
		slices.SortFunc(theirs, func(a, b contact) int {
			return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.conversation, b.conversation), cmp.Compare(a.Ordinal, b.Ordinal))
		})
		var name, email *string
		var first, latest *schema.Timestamp
		for i := range theirs {
			kind = theirs[i].Operator.Kind
			name, email = cmp.Or(theirs[i].Operator.Name, name), cmp.Or(theirs[i].Operator.Email, email)
			first, latest = cmp.Or(first, &theirs[i].StartedAt), &theirs[i].StartedAt
		}
		list = append(list, []any{of.project, of.user, kind, name, email, len(theirs), first, latest})
	}
	return list
}

// The column of a row that an earlier version wrote is computed from its attachments.
func TestFirstCloseOfEarlierRowsIsComputed(t *testing.T) {
	s := empty(t, Options{})
	r := reader{sink: s, log: archived(foldtest.Stream(foldtest.Seeded(9), 40), 1)}
	if err := r.step(t.Context(), len(r.log)); err != nil {
		t.Fatal(err)
	}
	server := enginetest.ClickHouse(t)
	computed := server.Exec(t, s.in("SELECT default_expression FROM system.columns WHERE database = '$projection' AND table = 'conversations' AND name = 'first_closed_at' FORMAT RawBLOB"))
	got := server.Exec(t, s.in(fmt.Sprintf("SELECT count(), countIf(first_closed_at IS NOT NULL) > 5, countIf(%s IS DISTINCT FROM first_closed_at) FROM $projection.conversations FINAL", computed)))
	if !strings.HasSuffix(got, "\t1\t0") {
		t.Errorf("conversations, with a close, and with another one computed: %s", got)
	}
}
