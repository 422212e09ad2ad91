package chatra

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

var rewrite = flag.Bool("rewrite", false, "write the expectations again")

func TestMain(m *testing.M) { enginetest.Main(m) }

// rig is the source over a real bucket, with a clock of its own. Events go to a
// log that keeps the first of each id, as Parley does.
type rig struct {
	t       *testing.T
	webhook *Webhook
	hook    *webhook.Hook
	now     time.Time
	log     map[string]string // by id
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := enginetest.NATS(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	broker, err := eventlog.Open(ctx, eventlog.Options{URL: server.URL, User: server.User, Password: server.Password, InProcess: server.InProcess})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	bucket, err := broker.Bucket(ctx, webhook.BucketName, eventlog.BucketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, now: time.UnixMilli(1772600000000)}
	r.webhook = &Webhook{Bucket: bucket, Settle: Settle, Now: func() time.Time { return r.now }, Logger: slog.New(slog.DiscardHandler)}
	r.another(0)
	return r
}

// another begins with an empty log and threads that nobody knows.
func (r *rig) another(n int) {
	r.hook = &webhook.Hook{ID: fmt.Sprintf("%032x", n+1), Source: "chatra", Project: 77}
	r.log = make(map[string]string)
}

func (r *rig) take(translated webhook.Translation, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, event := range translated.Events {
		decoded, refused := schema.Decode(event, r.now)
		if refused != nil {
			r.t.Fatalf("%v: %s", refused, event)
		}
		if _, known := r.log[decoded.ID]; !known {
			r.log[decoded.ID] = string(event)
		}
	}
	if translated.After != nil {
		if err := translated.After(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) post(body string) {
	r.t.Helper()
	r.take(r.webhook.Translate(r.t.Context(), r.hook, []byte(body)))
}

// settle lets time pass for one thread.
func (r *rig) settle() {
	r.t.Helper()
	r.now = r.now.Add(Settle)
	r.take(r.webhook.settle(r.t.Context(), r.hook, threadKey(r.hook, "tH5nPw9LrE")))
}

// events are those of the log, in an order of their own.
func (r *rig) events() string {
	var lines []string
	for _, event := range r.log {
		lines = append(lines, event)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(moment(a), moment(b)) })
	return strings.Join(lines, "\n") + "\n"
}

func moment(event string) string {
	var e struct{ Time, ID string }
	_ = json.Unmarshal([]byte(event), &e) // it was decoded before
	return e.Time + e.ID
}

func payloads(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	var all []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(body))
	}
	return all
}

func TestPayloadsBecomeTheirEvents(t *testing.T) {
	r := newRig(t)
	for _, body := range payloads(t) {
		r.post(body)
	}
	got := r.events()
	const expected = "testdata/thread.events"
	if *rewrite {
		if err := os.WriteFile(expected, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestAnyOrderAndRepeatsMakeTheSameEvents posts two conversations of a thread
// in each of the 720 orders, everything twice, and then once more as history.
func TestAnyOrderAndRepeatsMakeTheSameEvents(t *testing.T) {
	r := newRig(t)
	all := payloads(t)
	for _, body := range all {
		r.post(body)
	}
	want := r.events()
	n := 0
	permute(all, func(order []string) {
		n++
		r.another(n)
		for i, body := range order {
			r.post(body)
			if i%2 == 1 {
				r.post(body)
			}
		}
		for _, body := range order {
			r.post(body)
		}
		r.settle()
		for _, body := range all {
			r.post(body)
		}
		r.settle()
		if got := r.events(); got != want {
			for i, body := range order {
				t.Logf("%d: %.40s", i, strings.Join(strings.Fields(body), " "))
			}
			t.Fatalf("order %d: %s", n, difference(got, want))
		}
	})
	if n != 720 {
		t.Fatalf("%d orders", n)
	}
}

func TestFragmentsAreTakenWhileTheChatGoesOn(t *testing.T) {
	r := newRig(t)
	all := payloads(t)
	for _, body := range all {
		r.post(body)
	}
	want := r.events()
	r.another(1)
	for i, body := range all {
		r.post(body)
		if i == 1 && strings.Contains(r.events(), "pushed") {
			t.Fatal("a fragment does not wait")
		}
		r.settle()
		if i == 1 && strings.Count(r.events(), "conversation.pushed") != 1 {
			t.Fatalf("after the first fragment:\n%s", r.events())
		}
	}
	if got := r.events(); got != want {
		t.Error(difference(got, want))
	}
}

func TestFragmentBeginsTheNextConversationOfAThread(t *testing.T) {
	r := newRig(t)
	all := payloads(t)
	r.post(all[3])
	r.post(strings.ReplaceAll(all[5], "chatTranscript", "chatFragment"))
	r.settle()
	closed := strings.Count(r.events(), "conversation.closed")
	opened := strings.Count(r.events(), "conversation.opened")
	if closed != 1 || opened != 2 {
		t.Errorf("%d opened, %d closed:\n%s", opened, closed, r.events())
	}
	before := len(r.log)
	r.post(all[4]) // late, and nothing new
	if len(r.log) != before {
		t.Errorf("%s", r.events())
	}
}

// TestUndeliveredFragmentsAreDeliveredAgain loses what came out once, as a crash does.
func TestUndeliveredFragmentsAreDeliveredAgain(t *testing.T) {
	r := newRig(t)
	body := payloads(t)[1]
	r.post(body)
	r.now = r.now.Add(Settle)
	key := threadKey(r.hook, "tH5nPw9LrE")
	lost, err := r.webhook.settle(t.Context(), r.hook, key)
	if err != nil || len(lost.Events) == 0 {
		t.Fatal(lost, err)
	}
	again, err := r.webhook.settle(t.Context(), r.hook, key)
	if err != nil || fmt.Sprintf("%s", again.Events) != fmt.Sprintf("%s", lost.Events) {
		t.Errorf("%s, %v; want %s", again.Events, err, lost.Events)
	}
}

func TestMalformedPayloadsNameFieldAndRule(t *testing.T) {
	w := &Webhook{}
	for body, want := range map[string]string{
		`[]`:                          "the body must be one JSON object, with members of their types",
		`{}`:                          "eventName: is required",
		`{"eventName":"chatStarted"}`: "message: is required",
		`{"eventName":"chatFragment","client":{"chatId":"c"}}`:                                                                   "messages: is required",
		`{"eventName":"chatFragment","messages":[{}]}`:                                                                           "client.chatId: is required",
		`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[{"type":"agent"}]}`:                                     "messages.id: is required",
		`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[{"id":"1","type":"agent"}]}`:                            "messages.createdAt: is required",
		`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[{"id":"1","type":"bot","createdAt":1}]}`:                "messages.type: must be client or agent",
		`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[{"id":"1","type":"agent","createdAt":99999999999999}]}`: "messages.createdAt: must be Unix milliseconds from 1970 to 2199",
	} {
		_, err := w.Translate(t.Context(), &webhook.Hook{}, []byte(body))
		var malformed *webhook.MalformedError
		if !errors.As(err, &malformed) || malformed.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	got, err := w.Translate(t.Context(), &webhook.Hook{}, []byte(`{"eventName":"chatRated"}`))
	if err != nil || got.Unsupported == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// difference lists the events that only one side has.
func difference(got, want string) string {
	var out strings.Builder
	for line := range strings.Lines(got) {
		if !strings.Contains(want, line) {
			out.WriteString("\n+ " + line)
		}
	}
	for line := range strings.Lines(want) {
		if !strings.Contains(got, line) {
			out.WriteString("\n- " + line)
		}
	}
	return out.String()
}

func permute(all []string, do func([]string)) {
	var visit func(n int)
	order := slices.Clone(all)
	visit = func(n int) {
		if n == len(order) {
			do(order)
			return
		}
		for i := n; i < len(order); i++ {
			order[n], order[i] = order[i], order[n]
			visit(n + 1)
			order[n], order[i] = order[i], order[n]
		}
	}
	visit(0)
}
