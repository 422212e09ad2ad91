package iadvize

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

var rewrite = flag.Bool("rewrite", false, "write the expectations again")

var testHook = &webhook.Hook{Source: "iadvize", Project: 9999, Currency: "EUR", Bots: []schema.OperatorID{5}}

func translate(t *testing.T, hook *webhook.Hook, body []byte) webhook.Translation {
	t.Helper()
	w := &Webhook{Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }}
	got, err := w.Translate(t.Context(), hook, body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestPayloadsBecomeTheirEvents compares each payload of testdata with the
// events beside it.
func TestPayloadsBecomeTheirEvents(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			translated := translate(t, testHook, body)
			var got bytes.Buffer
			if translated.Refused != nil {
				fmt.Fprintf(&got, "%s\n", translated.Refused)
			}
			for _, event := range translated.Events {
				if _, refused := schema.Decode(event, time.Now()); refused != nil {
					t.Errorf("%v: %s", refused, event)
				}
				fmt.Fprintf(&got, "%s\n", event)
			}
			again := translate(t, testHook, body)
			if fmt.Sprintf("%s", again.Events) != fmt.Sprintf("%s", translated.Events) {
				t.Error("the same payload makes other events")
			}
			expected := strings.TrimSuffix(file, ".json") + ".events"
			if *rewrite {
				if err := os.WriteFile(expected, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%swant\n%s", got.Bytes(), want)
			}
		})
	}
}

const conversation = "3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10"

// payloadOf is a payload of a kind with more members.
func payloadOf(kind, more string) string {
	return `{"eventType":"` + kind + `","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z"` + more + `}`
}

// TestWhatCannotBeMappedIsNamed asks that each payload says why it is kept, and
// how many events it makes all the same.
func TestWhatCannotBeMappedIsNamed(t *testing.T) {
	const sold, pushed, answered = "transaction.attributed", "v2.conversation.pushed", "satisfaction.answered"
	for _, c := range []struct {
		body   string
		events int
		why    string
	}{
		{``, 0, "INVALID_JSON: the body must be one JSON object and nothing after it"},
		{`[]`, 0, "INVALID_JSON: the body must be one JSON object and nothing after it"},
		{`{} {}`, 0, "INVALID_JSON: the body must be one JSON object and nothing after it"},
		{"{\"eventType\":\"\xff\"}", 0, "INVALID_JSON: the body must be UTF-8"},
		{`{"a":{"b":1,"b":2}}`, 0, "INVALID_JSON: the body must not contain a name twice in one object"},
		{`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, 0, "INVALID_JSON: the body must not nest deeper than 64 levels"},
		{`{}`, 0, "MISSING_FIELD: eventType: is required"},
		{`{"eventType":"conversation.pushed","conversationId":123,"operatorId":7}`, 0, "UNSUPPORTED: eventType: is not supported"},
		{`{"eventType":"conversation.closed","conversationId":123}`, 0, "UNSUPPORTED: eventType: is not supported"},
		{`{"eventType":"v2.conversation.pushed","conversationId":1}`, 0, "INVALID_FIELD: conversationId: must be a UUID in the 36-character form"},
		{`{"eventType":"v2.conversation.pushed","conversationId":"` + conversation + `","operatorId":1}`, 0, "MISSING_FIELD: createdAt: is required"},
		{payloadOf(pushed, ``), 0, "MISSING_FIELD: operatorId: is required"},
		{payloadOf(pushed, `,"operatorId":0,"channel":"CHAT"`), 1, "INVALID_FIELD: operatorId: must be an integer from 1 to 9007199254740991"},
		{payloadOf(pushed, `,"operatorId":1,"channel":"CHAT","visitorId":{"a":1}`), 2, "INVALID_FIELD: visitorId: must be a string"},
		{payloadOf(pushed, `,"operatorId":1,"channel":"PIGEON"`), 1, "INVALID_FIELD: channel: must be a channel that Parley knows; channel and visitor are left out of the events"},
		{payloadOf("v2.conversation.closed", `,"operatorIds":[1,null,"2",3.0,"x"]`), 1, "INVALID_FIELD: operatorIds: must be an array of integers"},
		{`{"eventType":"v2.conversation.closed","conversationId":"` + conversation + `","createdAt":"yesterday"}`, 0, "INVALID_FIELD: createdAt: must be a time in RFC 3339, or Unix milliseconds"},
		{payloadOf(answered, ``), 0, "MISSING_FIELD: must have one of customerSatisfaction, netPromoterScore, satisfactionComment, customQuestion"},
		{payloadOf(answered, `,"netPromoterScore":11`), 0, "INVALID_FIELD: netPromoterScore: must be an integer from 0 to 10"},
		{payloadOf(answered, `,"netPromoterScore":"nine","customerSatisfaction":4`), 1, "INVALID_FIELD: netPromoterScore: must be an integer"},
		{payloadOf(answered, `,"satisfactionComment":"`+strings.Repeat("é", 20<<10)+`"`), 1, "INVALID_FIELD: satisfactionComment: must be at most 32768 bytes; the rest is omitted from the events"},
		{payloadOf(sold, `,"amount":1`), 0, "MISSING_FIELD: transactionId: is required"},
		{payloadOf(sold, `,"transactionId":"t"`), 0, "MISSING_FIELD: amount: is required"},
		{payloadOf(sold, `,"transactionId":"t","amount":1e15`), 0, "INVALID_FIELD: amount: must be a decimal number of at most 14 digits before the point"},
		{payloadOf(sold, `,"transactionId":"t","amount":1e999999999`), 0, "INVALID_FIELD: amount: must be a decimal number of at most 14 digits before the point"},
		{payloadOf(sold, `,"transactionId":"t","amount":"49,90"`), 0, "INVALID_FIELD: amount: must be a decimal number of at most 14 digits before the point"},
		{payloadOf(sold, `,"transactionId":"t","amount":1.23456`), 1, "INVALID_FIELD: amount: must have at most 4 digits after the point; it is rounded in the events"},
		{payloadOf(sold, `,"transactionId":"`+strings.Repeat("x", 100<<10)+`","amount":1`), 1, "INVALID_FIELD: transactionId: must be at most 256 bytes; a digest replaces it in the events"},
	} {
		got := translate(t, testHook, []byte(c.body))
		if got.Refused == nil || got.Refused.Error() != c.why || len(got.Events) != c.events {
			t.Errorf("%.120s: %d events, %v; want %d, %s", c.body, len(got.Events), got.Refused, c.events, c.why)
		}
		for _, event := range got.Events {
			if _, refused := schema.Decode(event, time.Now()); refused != nil {
				t.Errorf("%v: %.200s", refused, event)
			}
		}
	}
}

func TestNumbersAreTakenHoweverTheyAreWritten(t *testing.T) {
	for more, want := range map[string]string{
		`"amount":49.900000000000006`:      `"amount":"49.9"`,
		`"amount":0.30000000000000004`:     `"amount":"0.3"`,
		`"amount":129.98999999999998`:      `"amount":"129.99"`,
		`"amount":1e2`:                     `"amount":"100"`,
		`"amount":-1.5E+1`:                 `"amount":"-15"`,
		`"amount":"12.50"`:                 `"amount":"12.5"`,
		`"amount":5,"operatorId":148377.0`: `"attributedTo":{"id":148377}`,
		`"amount":5,"operatorId":"7"`:      `"attributedTo":{"id":7}`,
		`"amount":5,"operatorId":null`:     `"amount":"5"`,
		`"amount":5,"transactionId":7`:     `"transactionId":"7"`,
	} {
		got := translate(t, testHook, []byte(payloadOf("transaction.attributed", `,"externalId":"o",`+more)))
		if got.Refused != nil || len(got.Events) != 1 || !strings.Contains(string(got.Events[0]), want) {
			t.Errorf("%s: %v, %s", more, got.Refused, got.Events)
		}
	}
	got := translate(t, testHook, []byte(payloadOf("v2.conversation.closed", `,"operatorIds":[1,null,"2",3.0]`)))
	if got.Refused != nil || len(got.Events) != 1 || !strings.Contains(string(got.Events[0]), `"operatorIds":[1,2,3]`) {
		t.Errorf("%v, %s", got.Refused, got.Events)
	}
	got = translate(t, testHook, []byte(payloadOf("satisfaction.answered", `,"customerSatisfaction":3.0`)))
	if got.Refused != nil || len(got.Events) != 1 || !strings.Contains(string(got.Events[0]), `"customerSatisfaction":3}`) {
		t.Errorf("%v, %s", got.Refused, got.Events)
	}
}

// TestOfClicksInOneSecondTheLastCounts answers a survey twice in one second, in
// each of the orders of two values.
func TestOfClicksInOneSecondTheLastCounts(t *testing.T) {
	w := &Webhook{Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC) }}
	order := func(body string) uint64 {
		t.Helper()
		got, err := w.Translate(t.Context(), testHook, []byte(body))
		if err != nil || got.Refused != nil || len(got.Events) != 1 {
			t.Fatalf("%v, %v, %s", err, got.Refused, got.Events)
		}
		event := decoded(t, got.Events[0])
		if !event.HasOrder {
			t.Fatalf("no sequence: %s", got.Events[0])
		}
		return event.Order
	}
	for first := 1; first <= 5; first++ {
		for last := 1; last <= 5; last++ {
			click := func(value int, more string) string {
				return payloadOf("satisfaction.answered", fmt.Sprintf(`,"customerSatisfaction":%d%s`, value, more))
			}
			if a, b := order(click(first, "")), order(click(last, "")); a >= b {
				t.Errorf("%d then %d: %d, %d", first, last, a, b)
			}
			const second, later = `,"sentAt":"2026-01-01T00:00:00Z"`, `,"sentAt":"2026-01-01T00:00:00.900Z"`
			if a, b := order(click(first, second)), order(click(last, second)); a >= b {
				t.Errorf("%d then %d, sent in one second: %d, %d", first, last, a, b)
			}
			// The later one is delivered first.
			if b, a := order(click(last, later)), order(click(first, second)); a >= b {
				t.Errorf("%d then %d, delivered in turn: %d, %d", first, last, a, b)
			}
		}
	}
	sale := func(amount int) string {
		return payloadOf("transaction.attributed", fmt.Sprintf(`,"transactionId":"t","amount":%d`, amount))
	}
	if a, b := order(sale(10)), order(sale(9)); a >= b {
		t.Errorf("a correction of a sale: %d, %d", a, b)
	}
}

func TestConfiguredBotsAreBots(t *testing.T) {
	got := translate(t, testHook, []byte(`{"eventType":"v2.conversation.pushed","conversationId":"`+conversation+`","createdAt":"2026-01-01T00:00:00Z","operatorId":"5"}`))
	if len(got.Events) != 1 || !strings.Contains(string(got.Events[0]), `"toUser":{"id":5,"kind":"BOT"}`) {
		t.Errorf("%s", got.Events)
	}
}

func TestSignatureCoversTheRawBody(t *testing.T) {
	hook := &webhook.Hook{Secret: "s3cret"}
	body := []byte(`{"a": 1}`)
	// printf '{"a": 1}' | openssl dgst -sha256 -hmac s3cret
	const signature = "sha256=1a9fab6cd4b8cdcaad8640f3eca73fa924c62ff24f3833254ef3547232153767"
	for value, want := range map[string]bool{
		signature: true, strings.ToUpper(signature[7:]): false, "sha256=" + strings.ToUpper(signature[7:]): true,
		"": false, "sha256=": false, "sha256=zz": false, signature[:len(signature)-2]: false, "sha1=" + signature[7:]: false,
	} {
		header := http.Header{}
		header.Set(SignatureHeader, value)
		if got := (&Webhook{}).Verify(hook, header, body); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if (&Webhook{}).Verify(hook, http.Header{}, body) || !(&Webhook{}).Verify(&webhook.Hook{}, http.Header{}, body) {
		t.Error("without a header")
	}
}
