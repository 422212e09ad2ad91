package chatra

import (
	"context"
	"encoding/json"
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
	bucket, err := broker.Bucket(ctx, webhook.BucketName, eventlog.BucketConfig{Overwrite: true})
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
	r.settleChat("tH5nPw9LrE")
}

// settleChat is settle for a chat, and returns the fragments that made nothing.
func (r *rig) settleChat(chat string) []json.RawMessage {
	r.t.Helper()
	r.now = r.now.Add(Settle)
	out, err := r.webhook.settle(r.t.Context(), r.hook, threadKey(r.hook, chat))
	r.take(out.translated, err)
	return out.unanswered
}

// events returns the events of the log, in a fixed order.
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
	r.settle()
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
// in each of the 720 orders, everything twice, and then again as history.
func TestAnyOrderAndRepeatsMakeTheSameEvents(t *testing.T) {
	r := newRig(t)
	all := payloads(t)
	for _, body := range all {
		r.post(body)
	}
	r.settle()
	want := r.events()
	var orders [][]string
	permute(all, func(order []string) { orders = append(orders, slices.Clone(order)) })
	if len(orders) != 720 {
		t.Fatalf("%d orders", len(orders))
	}
	// Most of the time goes into waiting for the disk.
	begun := 0
	for part := range slices.Chunk(orders, len(orders)/4) {
		first := begun + 1
		begun += len(part)
		t.Run("", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for n, order := range part {
				r.another(first + n)
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
					t.Fatalf("order %d: %s", first+n, difference(got, want))
				}
			}
		})
	}
}

func TestFragmentsAreAcceptedWhileTheChatContinues(t *testing.T) {
	r := newRig(t)
	all := payloads(t)
	for _, body := range all {
		r.post(body)
	}
	r.settle()
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
	if err != nil || len(lost.translated.Events) == 0 {
		t.Fatal(lost, err)
	}
	again, err := r.webhook.settle(t.Context(), r.hook, key)
	if err != nil || fmt.Sprintf("%s", again.translated.Events) != fmt.Sprintf("%s", lost.translated.Events) {
		t.Errorf("%s, %v; want %s", again.translated.Events, err, lost.translated.Events)
	}
}

// TestWhatCannotBeMappedIsNamed asks that each payload says why it is kept.
func TestWhatCannotBeMappedIsNamed(t *testing.T) {
	r := newRig(t)
	message := func(members string) string {
		return `{"eventName":"chatStarted","client":{"chatId":"c"},"message":{` + members + `}}`
	}
	for _, c := range []struct {
		body   string
		events int
		why    string
	}{
		{`[]`, 0, "INVALID_JSON: the body must be one JSON object and nothing after it"},
		{`{}`, 0, "MISSING_FIELD: eventName: is required"},
		{`{"eventName":"chatRated"}`, 0, "UNSUPPORTED: eventName: is not supported"},
		{`{"eventName":"chatStarted","client":{"chatId":"c"}}`, 0, "MISSING_FIELD: message: is required"},
		{`{"eventName":"chatFragment","client":{"chatId":"c"}}`, 0, "MISSING_FIELD: messages: is required"},
		{`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[]}`, 0, "MISSING_FIELD: messages: is required"},
		{`{"eventName":"chatFragment","messages":[{}]}`, 0, "MISSING_FIELD: client.chatId: is required"},
		{`{"eventName":"chatFragment","client":{"chatId":"c"},"messages":[` + strings.Repeat("{},", 9000) + `{}]}`, 0, "INVALID_FIELD: messages: must be at most 9000"},
		{message(`"type":"agent","createdAt":1`), 0, "MISSING_FIELD: message.id: is required"},
		{message(`"id":"1","type":"agent"`), 0, "MISSING_FIELD: message.createdAt: is required"},
		{message(`"id":"1","type":"owl","createdAt":1`), 0, "INVALID_FIELD: message.type: must be client, agent or bot"},
		{message(`"id":"1","type":"agent","createdAt":99999999999999`), 0, "INVALID_FIELD: message.createdAt: must be from 1970 to 2199"},
		{message(`"id":"1","type":"agent","createdAt":4102444800000`), 0, "INVALID_FIELD: message.createdAt: must be at most 24 h after the moment the message came"},
		{message(`"id":"2","type":"client","createdAt":2,"text":"` + strings.Repeat("x", 300<<10) + `"`), 2, "INVALID_FIELD: message.text: must be at most 32768 bytes; the rest is omitted from the events"},
		{message(`"id":"` + strings.Repeat("x", 100<<10) + `","type":"client","createdAt":3`), 2, "INVALID_FIELD: message.id: must be at most 256 bytes; a digest replaces it in the events"},
		{message(`"id":"4","type":"client","createdAt":4,"isPushed":"maybe"`), 2, "INVALID_FIELD: message.isPushed: must be true or false"},
		{`{"eventName":"chatStarted","client":{"id":"v","chatId":"d","info":{"name":"` + strings.Repeat("é", 50<<10) + `"}},"message":{"id":"1","type":"client","createdAt":5}}`, 2,
			"INVALID_FIELD: client.info.name: must be at most 1024 bytes; the rest is omitted from the events"},
		{`{"eventName":"chatStarted","client":{"id":"v","chatId":"e","info":["x"]},"message":{"id":"1","type":"client","createdAt":6}}`, 2, "INVALID_FIELD: client.info: must be an object"},
		{`{"eventName":"chatStarted","client":{"id":"v","chatId":"f","info":{"a":{"b":1}}},"message":{"id":"1","type":"client","createdAt":7}}`, 2,
			"INVALID_FIELD: client.info: members must be strings, numbers, true or false; others are omitted from the events"},
	} {
		got, err := r.webhook.Translate(t.Context(), r.hook, []byte(c.body))
		if err != nil || got.Refused == nil || got.Refused.Error() != c.why || len(got.Events) != c.events {
			t.Errorf("%.120s: %d events, %v, %v; want %d, %s", c.body, len(got.Events), got.Refused, err, c.events, c.why)
		}
		r.take(got, err)
	}
}

// TestUnreadableMemoryOfAChatDoesNotStopIt puts something else where a chat is remembered.
func TestUnreadableMemoryOfAChatDoesNotStopIt(t *testing.T) {
	r := newRig(t)
	if _, err := r.webhook.Bucket.Put(t.Context(), threadKey(r.hook, "tH5nPw9LrE"), []byte("?"), 0); err != nil {
		t.Fatal(err)
	}
	r.post(payloads(t)[0])
	if len(r.log) != 2 {
		t.Error(r.events())
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
