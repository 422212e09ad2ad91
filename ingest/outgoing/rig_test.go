package outgoing

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const (
	patience = 2 * time.Minute
	project  = 7
)

// chatKinds are the kinds with Chatra's names.
func chatKinds() []Kind { return []Kind{ChatStarted, ChatFragment, ChatTranscript} }

// chatID is the id of a conversation of the tests.
func chatID(n int) schema.ConversationID {
	return schema.ConversationID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

// memory is a log and what is archived of it: everything, once.
type memory struct {
	mu      sync.Mutex
	entries []schema.Entry
	records []schema.Record
}

func (m *memory) append(lines ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range lines {
		event, refused := schema.Decode([]byte(line), time.Now())
		if refused != nil {
			panic(refused)
		}
		at := schema.Sequence(len(m.entries) + 1)
		m.entries = append(m.entries, schema.Entry{Sequence: at, ReceivedAt: time.Now(), Payload: []byte(line)})
		if !slices.ContainsFunc(m.records, func(r schema.Record) bool { return r.Event.Key() == event.Key() }) {
			m.records = append(m.records, schema.Record{Sequence: at, Event: event})
		}
	}
}

func (m *memory) Read(ctx context.Context, after schema.Sequence, most int, _ time.Duration) ([]schema.Entry, error) {
	for {
		m.mu.Lock()
		next := slices.Clone(m.entries[min(int(after), len(m.entries)):])
		m.mu.Unlock()
		if len(next) > 0 {
			return next[:min(most, len(next))], nil
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (m *memory) Close() {}

func (m *memory) Position(context.Context) (schema.Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return schema.Sequence(len(m.entries)), nil
}

func (m *memory) Recall(_ context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]schema.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[schema.ConversationKey][]schema.Record)
	for _, r := range m.records {
		if key := r.Event.ConversationKey(); slices.Contains(keys, key) {
			found[key] = append(found[key], r)
		}
	}
	return found, nil
}

// got is a request that a receiver has answered.
type got struct {
	id, chat, event string
	texts           []string // of the messages
	body            string
}

// receiver is an address that behaves as a test says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	key    []byte
	answer http.HandlerFunc // nil answers 200
	got    []got            // answered 200
	tries  int
	wrong  []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	id, at := request.Header.Get("webhook-id"), request.Header.Get("webhook-timestamp")
	// The signature as the specification of Standard Webhooks has it.
	mac := hmac.New(sha256.New, r.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); request.Header.Get("webhook-signature") != want {
		r.wrong = append(r.wrong, "signature of "+id)
	}
	if r.answer != nil {
		r.answer(w, request)
		return
	}
	var p struct {
		EventName string
		Message   *struct{ Text string }
		Messages  []struct{ Text string }
		Client    struct{ ChatID string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		r.wrong = append(r.wrong, err.Error())
	}
	g := got{id: id, chat: p.Client.ChatID, event: p.EventName, body: string(body)}
	if p.Message != nil {
		g.texts = append(g.texts, p.Message.Text)
	}
	for _, m := range p.Messages {
		g.texts = append(g.texts, m.Text)
	}
	r.got = append(r.got, g)
}

// behave changes what the receiver answers.
func (r *receiver) behave(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries
}

// taken are the deliveries of a chat, e.g. "chatStarted[hi] chatFragment[hi]".
func (r *receiver) taken(chat schema.ConversationID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, g := range r.got {
		if g.chat == string(chat) {
			out = append(out, fmt.Sprintf("%s[%s]", g.event, strings.Join(g.texts, " ")))
		}
	}
	return strings.Join(out, " ")
}

// rig is a sender over a real bucket, with a clock that tests move.
type rig struct {
	t        *testing.T
	registry *Registry
	leases   *eventlog.Bucket
	memory   *memory
	receiver *receiver
	hook     Hook
	stop     func()
	mu       sync.Mutex
	ahead    time.Duration
	logged   *bytes.Buffer
	logger   *slog.Logger
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.ahead)
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead += d
}

func newRig(t *testing.T, events ...Kind) *rig {
	t.Helper()
	server := enginetest.NATS(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	broker, err := eventlog.Open(ctx, eventlog.Options{URL: server.URL, User: server.User, Password: server.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	r := &rig{t: t, memory: &memory{}, receiver: newReceiver(t), logged: &bytes.Buffer{}}
	r.logger = slog.New(slog.NewTextHandler(r.logged, nil))
	if r.registry, err = OpenRegistry(ctx, broker); err != nil {
		t.Fatal(err)
	}
	if r.leases, err = lease.Bucket(ctx, broker); err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		events = chatKinds()
	}
	r.hook = r.add(Hook{Project: project, URL: r.receiver.URL + "/hook?token=t0ken", Events: events, AllowPrivate: true})
	r.receiver.key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(r.hook.Secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(func() {
		r.stop()
		r.receiver.mu.Lock()
		defer r.receiver.mu.Unlock()
		if len(r.receiver.wrong) > 0 {
			t.Errorf("wrong: %v", r.receiver.wrong)
		}
		if strings.Contains(r.logged.String(), "t0ken") {
			t.Error("the log names the URL")
		}
		if t.Failed() {
			t.Log(r.logged.String())
		}
	})
	return r
}

func (r *rig) add(hook Hook) Hook {
	r.t.Helper()
	position, _ := r.memory.Position(r.t.Context())
	hook, err := r.registry.Add(r.t.Context(), hook, position)
	if err != nil {
		r.t.Fatal(err)
	}
	return hook
}

// start runs a sender as a new process would.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	sender := New(Config{
		Registry: r.registry, Lease: lease.New(r.leases, "outgoing", rand.Text(), r.logger, nil), Archive: r.memory, Now: r.now, Logger: r.logger,
		Open: func(context.Context) (Log, error) { return r.memory, nil },
	})
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
}

// eventually repeats a check until it passes.
func (r *rig) eventually(check func() error) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal(err)
		}
		<-tick.C
	}
}

// gets waits until a receiver has taken deliveries of a chat, and nothing else. The
// clock advances: an attempt that was under way when it was moved may be due later.
func (r *rig) gets(chat schema.ConversationID, want string) {
	r.t.Helper()
	r.eventually(func() error {
		if got := r.receiver.taken(chat); got != want {
			r.advance(time.Second)
			return fmt.Errorf("%s:\n%s\nwant\n%s", chat, got, want)
		}
		return nil
	})
}

// queued waits until the queue has so many pending and failed deliveries.
func (r *rig) queued(pending, failed int) []Delivery {
	r.t.Helper()
	var status Status
	r.eventually(func() (err error) {
		if status, err = r.registry.Status(r.t.Context(), r.hook.ID); err != nil {
			return err
		}
		if status.Pending != pending || status.Failed != failed {
			return fmt.Errorf("%d pending and %d failed, want %d and %d", status.Pending, status.Failed, pending, failed)
		}
		return nil
	})
	return status.Queue
}

var eventCount int

// event is one of a chat, so many seconds after the beginning.
func event(chat, seconds int, kind schema.Type, data string) string {
	eventCount++
	at := time.Date(2026, 3, 1, 12, 0, seconds, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"test","type":%q,"time":%q,"subject":%q,"projectid":%d,"data":%s}`,
		eventCount, kind, at, chatID(chat), project, data)
}

func says(chat, seconds int, author, text string) string {
	automatic := ""
	if author == "auto" {
		author, automatic = "PROFESSIONAL", `,"automatic":true`
	}
	id := cmp.Or(map[string]string{"VISITOR": `,"id":"v1"`}[author], `,"id":42`)
	return event(chat, seconds, schema.TypeMessage, fmt.Sprintf(`{"messageId":%q,"author":{"kind":%q%s}%s,"text":%q}`, text, author, id, automatic, text))
}

func closes(chat, seconds int) string { return event(chat, seconds, schema.TypeClosed, `{}`) }
