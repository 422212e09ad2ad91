package iadvize

import (
	"bytes"
	"errors"
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
	got, err := Webhook{}.Translate(t.Context(), hook, body)
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
			if translated.Unsupported != "" {
				fmt.Fprintf(&got, "unsupported: %s\n", translated.Unsupported)
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

func TestMalformedPayloadsNameFieldAndRule(t *testing.T) {
	for body, want := range map[string]string{
		``:   "the body must be one JSON object",
		`[]`: "the body must be one JSON object",
		`{}`: "eventType: is required",
		`{"eventType":"v2.conversation.pushed","conversationId":"1"}`:                                                                                                           "conversationId: must be a UUID in the 36-character form",
		`{"eventType":"v2.conversation.pushed","conversationId":"` + conversation + `"}`:                                                                                        "createdAt: is required",
		`{"eventType":"v2.conversation.pushed","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z"}`:                                                     "operatorId: is required",
		`{"eventType":"v2.conversation.pushed","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z","operatorId":0}`:                                      "operatorId: must be an integer from 1 to 9007199254740991",
		`{"eventType":"v2.conversation.closed","conversationId":"` + conversation + `","createdAt":"yesterday"}`:                                                                "a member of the body: must be a time in RFC 3339, or Unix milliseconds",
		`{"eventType":"satisfaction.answered","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z"}`:                                                      "must have one of customerSatisfaction, netPromoterScore, satisfactionComment, customQuestion",
		`{"eventType":"satisfaction.answered","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z","netPromoterScore":11}`:                                "netPromoterScore: must be an integer from 0 to 10",
		`{"eventType":"transaction.attributed","conversationId":"` + conversation + `","receivedAt":"2026-01-01T00:00:00Z","transactionId":"t","amount":1e3}`:                   "amount: must be a decimal number with at most 4 digits after the point",
		`{"eventType":"transaction.attributed","conversationId":"` + conversation + `","receivedAt":"2026-01-01T00:00:00Z","amount":1}`:                                         "transactionId: is required",
		`{"eventType":"v2.conversation.pushed","conversationId":"` + conversation + `","createdAt":"2026-01-01T00:00:00Z","operatorId":1,"channel":"CHAT","visitorId":{"a":1}}`: "visitorId: has the wrong type",
	} {
		_, err := Webhook{}.Translate(t.Context(), testHook, []byte(body))
		var malformed *webhook.MalformedError
		if !errors.As(err, &malformed) || malformed.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestConfiguredBotsAreBots(t *testing.T) {
	got := translate(t, testHook, []byte(`{"eventType":"v2.conversation.pushed","conversationId":"`+conversation+`","createdAt":"2026-01-01T00:00:00Z","operatorId":"5"}`))
	if len(got.Events) != 1 || !strings.Contains(string(got.Events[0]), `"toUser":{"id":5,"kind":"BOT"}`) {
		t.Errorf("%s", got.Events)
	}
}

func TestSignatureIsThatOfTheRawBody(t *testing.T) {
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
		if got := (Webhook{}).Verify(hook, header, body); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if (Webhook{}).Verify(hook, http.Header{}, body) || !(Webhook{}).Verify(&webhook.Hook{}, http.Header{}, body) {
		t.Error("without a header")
	}
}
