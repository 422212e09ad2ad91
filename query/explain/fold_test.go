package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/query/explain"
	"github.com/parley-analytics/parley/schema"
)

// TestValuesEqualTheFold holds the explanation to the rows over random
// conversations, in random order of arrival.
func TestValuesEqualTheFold(t *testing.T) {
	for seed := range uint64(400) {
		d := foldtest.Seeded(seed)
		key := foldtest.Conversation(1, int(seed))
		events := foldtest.Nasty(d, key, 1+int(seed%40))
		if seed%4 == 0 {
			events = foldtest.Realistic(d, key, 1_600_000_000_000)
		}
		records := foldtest.Records(events, 1)
		rows := fold.Of(records)
		for i := range records {
			j := d.IntN(i + 1)
			records[i], records[j] = records[j], records[i]
		}
		got := explain.Of(records)

		compare(t, seed, "conversation", got.Fields, conversationValues(&rows))
		if len(got.Contacts) != len(rows.Contacts) {
			t.Fatalf("seed %d: %d contacts, want %d", seed, len(got.Contacts), len(rows.Contacts))
		}
		for n := range rows.Contacts {
			if got.Contacts[n].ID != rows.Contacts[n].ID {
				t.Fatalf("seed %d: contact %q, want %q", seed, got.Contacts[n].ID, rows.Contacts[n].ID)
			}
			compare(t, seed, got.Contacts[n].ID, got.Contacts[n].Fields, contactValues(&rows.Contacts[n]))
		}
	}
}

func compare(t *testing.T, seed uint64, of string, got []explain.Field, want map[string]string) {
	t.Helper()
	for _, f := range got {
		value := "null"
		if f.Value != nil {
			value = *f.Value
		}
		expected, known := want[f.Name]
		if !known {
			t.Fatalf("seed %d, %s: the fold has no %s", seed, of, f.Name)
		}
		if value != expected {
			t.Fatalf("seed %d, %s: %s is %s, want %s", seed, of, f.Name, value, expected)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Fatalf("seed %d, %s: %s is not explained", seed, of, name)
	}
}

func or[V any](v *V) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func quotedList[V any](values []V) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("%#v", v)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func conversationValues(rows *fold.Rows) map[string]string {
	c := &rows.Conversation
	values := map[string]string{
		"createdAt": c.CreatedAt.String(), "closedAt": or(c.ClosedAt), "durationMs": or(c.Duration),
		"firstResponseTimeMs": or(c.FirstResponseTime), "resolutionTimeMs": or(c.ResolutionTime), "firstResolutionTimeMs": or(c.FirstResolutionTime),
		"contactCount": fmt.Sprint(c.ContactCount), "snoozeCount": fmt.Sprint(c.SnoozeCount), "transferCount": fmt.Sprint(c.TransferCount),
		"reopenCount": fmt.Sprint(c.ReopenCount), "anomalyCount": fmt.Sprint(c.AnomalyCount),
		"visitorMessageCount": fmt.Sprint(c.VisitorMessageCount), "operatorMessageCount": fmt.Sprint(c.OperatorMessageCount),
		"eventCount": fmt.Sprint(c.EventCount), "handleTimeMs": fmt.Sprint(c.HandleTime), "humanHandleTimeMs": fmt.Sprint(c.HumanHandleTime),
		"snoozeTimeMs": fmt.Sprint(c.SnoozeTime), "answered": fmt.Sprint(c.Answered), "answeredByHuman": fmt.Sprint(c.AnsweredByHuman),
		"automationLevel": or(c.AutomationLevel), "abandoned": fmt.Sprint(c.Abandoned), "closeReason": or(c.CloseReason),
		"customerSatisfaction": or(c.CustomerSatisfaction), "netPromoterScore": or(c.NetPromoterScore), "comment": or(c.Comment),
		"channel": string(c.Channel), "language": or(c.Language), "initiator": or(c.Initiator), "campaign": "null", "visitor": "null",
	}
	if c.Campaign != nil {
		values["campaign"] = c.Campaign.ID
	}
	if c.Visitor != nil {
		values["visitor"] = c.Visitor.ID
	}
	keys := []string{}
	for _, v := range c.CustomData {
		keys = append(keys, v.Key)
	}
	values["customData"] = quotedList(keys)
	ids := []string{}
	for _, tag := range c.Tags {
		ids = append(ids, tag.ID)
	}
	values["tags"] = quotedList(ids)
	users := []int64{}
	for _, u := range c.Users {
		users = append(users, int64(u.ID))
	}
	values["users"] = quotedList(users)
	sales := []string{}
	for _, t := range rows.Transactions {
		sales = append(sales, t.ID)
	}
	values["transactions"] = quotedList(sales)
	for currency, sum := range c.Revenue {
		values["revenue."+string(currency)] = sum.String()
	}
	return values
}

func contactValues(c *fold.Contact) map[string]string {
	id := func(r *schema.Ref) string {
		if r == nil {
			return "null"
		}
		return r.ID
	}
	return map[string]string{
		"startedAt": c.StartedAt.String(), "endedAt": or(c.EndedAt), "durationMs": or(c.Duration), "status": string(c.Status),
		"ending": or(c.Ending), "endingInferred": fmt.Sprint(c.EndingInferred), "closeReason": or(c.CloseReason),
		"waitTimeMs": or(c.WaitTime), "firstResponseTimeMs": or(c.FirstResponseTime),
		"visitorMessageCount": fmt.Sprint(c.VisitorMessageCount), "operatorMessageCount": fmt.Sprint(c.OperatorMessageCount),
		"operator": fmt.Sprint(c.Operator.ID), "routingRule": id(c.RoutingRule), "routingGroup": id(c.RoutingGroup),
	}
}
