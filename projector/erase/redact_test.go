package erase

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func TestRedactionKeepsTheFigures(t *testing.T) {
	received := time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(300) {
		d := foldtest.Seeded(seed)
		key := foldtest.Conversation(1, int(seed))
		events := foldtest.Nasty(d, key, 1+int(seed%40))
		if seed%4 == 0 {
			events = foldtest.Realistic(d, key, 1_600_000_000_000)
		}
		r := newRedaction()
		redacted := make([]schema.Event, len(events))
		for i := range events {
			event, payload, err := r.redact(events[i], received)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			_, again, err := newRedaction().redact(event, received)
			if err != nil || !bytes.Equal(again, payload) {
				t.Fatalf("seed %d: redacted twice it is another event: %s, %s (%v)", seed, payload, again, err)
			}
			redacted[i] = event
		}
		before, after := fold.Of(foldtest.Records(events, 1)), fold.Of(foldtest.Records(redacted, 1))
		if b, a := figures(&before), figures(&after); b != a {
			t.Fatalf("seed %d: the figures were\n%s\nand are\n%s", seed, b, a)
		}
	}
}

func TestRedactionRemovesPersonalData(t *testing.T) {
	for name, data := range map[string]string{
		`"type":"parley.conversation.opened.v1"`:   `{"channel":"CHAT","visitor":{"id":"SECRET","externalId":"SECRET","firstName":"SECRET","lastName":"SECRET","email":"SECRET","phone":"SECRET"},"customData":{"SECRET":"SECRET"},"unknown":"SECRET"}`,
		`"type":"parley.message.sent.v1"`:          `{"messageId":"m","author":{"kind":"VISITOR","id":"SECRET","name":"SECRET"},"text":"SECRET"}`,
		`"type":"parley.satisfaction.answered.v1"`: `{"comment":"SECRET"}`,
		`"type":"parley.seller.updated.v1"`:        `{"seller":{"id":"660119","emailAddress":"SECRET","phone":"SECRET","unknown":"SECRET"}}`,
	} {
		raw := `{"specversion":"1.0","id":"1","source":"s",` + name + `,"time":"2025-01-01T00:00:00Z","subject":"22222222-2222-4222-8222-222222222222","projectid":1,"extension":"SECRET","data":` + data + `}`
		if strings.Contains(name, "seller") {
			raw = strings.Replace(raw, "22222222-2222-4222-8222-222222222222", string(schema.ProfileSubject(1, schema.ProfileSeller, "660119")), 1)
		}
		event, fault := schema.Decode([]byte(raw), time.Now())
		if fault != nil {
			t.Fatal(fault)
		}
		_, payload, err := newRedaction().redact(event, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(payload, []byte("SECRET")) {
			t.Errorf("%s: %s", name, payload)
		}
	}
}

func TestAVisitorHasOneAlias(t *testing.T) {
	r := newRedaction()
	first := r.alias("a")
	if r.alias("a") != first || r.alias("a") == r.alias("b") || r.alias(r.alias("a")) != r.alias("a") {
		t.Error("aliases do not tell visitors apart")
	}
	if newRedaction().alias("a") == r.alias("a") {
		t.Error("the alias can be computed from the id")
	}
}
