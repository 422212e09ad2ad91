package fold_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// testdata/example is the contract's example: a stream, and the fields that it
// has to give.
func TestTheExampleOfTheContract(t *testing.T) {
	records := exampleRecords(t)
	want := map[string]any{}
	text, err := os.ReadFile("testdata/example/snooze.expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		rows := fold.Of(records)
		compareFields(t, "conversation", want["conversation"].(map[string]any), exampleConversation(&rows))
		for i, contact := range want["contacts"].([]any) {
			compareFields(t, fmt.Sprintf("contact %d", i+1), contact.(map[string]any), exampleContact(&rows.Contacts[i]))
		}
		if len(want["contacts"].([]any)) != len(rows.Contacts) {
			t.Errorf("%d contacts", len(rows.Contacts))
		}
	}
}

func exampleRecords(t *testing.T) []schema.Record {
	t.Helper()
	text, err := os.ReadFile("testdata/example/snooze.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var records []schema.Record
	for line := range bytes.Lines(text) {
		e, err := schema.Decode(bytes.TrimSpace(line), time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, schema.Record{Sequence: schema.Sequence(len(records) + 1), Event: e})
	}
	return records
}

// compareFields compares every field that is expected; one that is not computed
// here fails as well.
func compareFields(t *testing.T, of string, want, got map[string]any) {
	t.Helper()
	for name, value := range want {
		computed, known := got[name]
		a, _ := json.Marshal(value)
		b, _ := json.Marshal(computed)
		if !known || string(a) != string(b) {
			t.Errorf("%s: %s is %s, want %s", of, name, b, a)
		}
	}
}

func exampleConversation(rows *fold.Rows) map[string]any {
	c := &rows.Conversation
	transactions := []map[string]any{}
	for _, tx := range rows.Transactions {
		transactions = append(transactions, map[string]any{
			"transactionId": tx.ID, "externalConversionId": tx.ExternalConversionID,
			"amount": decimal.New(int64(tx.Amount), -4).StringFixed(2), "currency": tx.Currency,
			"receivedAt": tx.ReceivedAt.String(),
		})
	}
	return map[string]any{
		"id": c.Conversation, "projectId": c.Project, "channel": c.Channel, "language": c.Language,
		"createdAt": c.CreatedAt.String(), "closedAt": c.ClosedAt.String(),
		"durationMs": c.Duration, "duration": fmt.Sprintf("PT%dS", *c.Duration/1000),
		"contactCount": c.ContactCount, "snoozeCount": c.SnoozeCount, "transferCount": c.TransferCount,
		"reopenCount": c.ReopenCount, "anomalyCount": c.AnomalyCount,
		"answered": c.Answered, "answeredByHuman": c.AnsweredByHuman,
		"automationLevel": c.AutomationLevel, "abandoned": c.Abandoned,
		"firstResponseTimeMs": c.FirstResponseTime, "resolutionTimeMs": c.ResolutionTime,
		"firstResolutionTimeMs": c.FirstResolutionTime,
		"handleTimeMs":          c.HandleTime, "humanHandleTimeMs": c.HumanHandleTime, "snoozeTimeMs": c.SnoozeTime,
		"visitorMessageCount": c.VisitorMessageCount, "operatorMessageCount": c.OperatorMessageCount,
		"customerSatisfaction": c.CustomerSatisfaction, "netPromoterScore": c.NetPromoterScore, "comment": c.Comment,
		"transactions": transactions, "eventCount": c.EventCount,
	}
}

func exampleContact(c *fold.Contact) map[string]any {
	return map[string]any{
		"id": c.ID, "ordinal": c.Ordinal, "operatorId": c.Operator.ID,
		"startedAt": c.StartedAt.String(), "endedAt": c.EndedAt.String(), "durationMs": c.Duration,
		"status": c.Status, "ending": c.Ending, "endingInferred": c.EndingInferred,
		"routingRuleId": c.RoutingRule.ID, "routingGroupId": c.RoutingGroup.ID,
		"waitTimeMs": c.WaitTime, "firstResponseTimeMs": c.FirstResponseTime,
		"visitorMessageCount": c.VisitorMessageCount, "operatorMessageCount": c.OperatorMessageCount,
	}
}
