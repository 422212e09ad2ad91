package embedded_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

const (
	eventsStream   = "PARLEY_EVENTS"
	rejectedStream = "PARLEY_REJECTED"
	secretsStream  = "KV_PARLEY_CREDENTIALS"
)

// as connects as a user over TCP. Permission errors are counted in denied.
func as(t *testing.T, s *enginetest.NATSServer, user embedded.User) (conn *nats.Conn, denied *atomic.Int32) {
	t.Helper()
	denied = new(atomic.Int32)
	conn, err := nats.Connect(s.URL, nats.UserInfo(user.Name, user.Password), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			denied.Add(1)
		}
	}))
	if err != nil {
		t.Fatalf("%s: %v", user.Name, err)
	}
	t.Cleanup(conn.Close)
	return conn, denied
}

// accountsUnderTest is a server with streams in the log's account and a bucket in the private one.
func accountsUnderTest(t *testing.T) (s *enginetest.NATSServer, log, private jetstream.JetStream) {
	t.Helper()
	s = enginetest.NATS(t)
	own := func(user embedded.User) jetstream.JetStream {
		conn, _ := as(t, s, user)
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		return js
	}
	log, private = own(s.Users.Log), own(s.Users.Private)
	for name, subject := range map[string]string{eventsStream: "parley.events.0", rejectedStream: "parley.rejected"} {
		if _, err := log.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}, AllowDirect: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := log.Publish(t.Context(), subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	kv, err := private.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "PARLEY_CREDENTIALS"})
	if err == nil {
		_, err = kv.Put(t.Context(), "signing", []byte("the seed"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, log, private
}

// TestEveryUserAgainstEverySubject is the table of which user may use which subject. A request was accepted when the answer is not
// JetStream's word that it knows no such thing in this account.
func TestEveryUserAgainstEverySubject(t *testing.T) {
	s, log, private := accountsUnderTest(t)
	own, _ := as(t, s, s.Users.Log)
	if _, err := own.QueueSubscribe("parley.publish.*", "parley-ingest", func(m *nats.Msg) { _ = m.Respond([]byte(`{"stream":"PARLEY_EVENTS","seq":1}`)) }); err != nil {
		t.Fatal(err)
	}
	if err := own.Flush(); err != nil {
		t.Fatal(err)
	}

	const durable = "d"
	if _, err := log.CreateConsumer(t.Context(), eventsStream, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	// Users in the order of the columns; + reaches, - does not.
	users := []embedded.User{s.Users.Publisher, s.Users.Reader, s.Users.Operator, s.Users.Log, s.Users.Private}
	pull := func(name string) string {
		return `{"stream_name":"PARLEY_EVENTS","config":{"name":"` + name + `","ack_policy":"none"}}`
	}
	for _, row := range []struct{ subject, body, want string }{
		{"parley.publish.c1", `{}`, "+-++-"},
		{"parley.publish", `{}`, "-----"},
		{"parley.events.0", `{}`, "---+-"},
		{"parley.rejected", `{}`, "---+-"},
		{"parley.gate.consumer", pull("g"), "---+-"},
		{"parley.gate.consumer.PARLEY_EVENTS.g", pull("g"), "---+-"},
		{"$KV.PARLEY_CREDENTIALS.signing", `forged`, "----+"},
		{"$KV.PARLEY_CREDENTIALS.credential.key_forged", `{}`, "----+"},

		{"$JS.API.INFO", ``, "--+++"},
		{"$JS.API.STREAM.NAMES", ``, "--+++"},
		{"$JS.API.STREAM.LIST", ``, "--+++"},
		{"$JS.API.STREAM.INFO.PARLEY_EVENTS", ``, "-+++-"},
		{"$JS.API.STREAM.INFO.PARLEY_REJECTED", ``, "--++-"},
		{"$JS.API.STREAM.INFO.KV_PARLEY_CREDENTIALS", ``, "----+"},
		{"$JS.API.STREAM.MSG.GET.PARLEY_EVENTS", `{"seq":1}`, "-+++-"},
		{"$JS.API.STREAM.MSG.GET.PARLEY_REJECTED", `{"seq":1}`, "--++-"},
		{"$JS.API.STREAM.MSG.GET.KV_PARLEY_CREDENTIALS", `{"last_by_subj":"$KV.PARLEY_CREDENTIALS.signing"}`, "----+"},
		{"$JS.API.DIRECT.GET.PARLEY_EVENTS", `{"seq":1}`, "-+++-"},
		{"$JS.API.DIRECT.GET.PARLEY_EVENTS.parley.events.0", ``, "-+++-"},
		{"$JS.API.DIRECT.GET.PARLEY_REJECTED", `{"seq":1}`, "--++-"},
		{"$JS.API.DIRECT.GET.KV_PARLEY_CREDENTIALS", `{"last_by_subj":"$KV.PARLEY_CREDENTIALS.signing"}`, "----+"},
		{"$JS.API.DIRECT.GET.KV_PARLEY_CREDENTIALS.$KV.PARLEY_CREDENTIALS.signing", ``, "----+"},
		{"$JS.API.CONSUMER.NAMES.PARLEY_EVENTS", ``, "--++-"},
		{"$JS.API.CONSUMER.INFO.PARLEY_EVENTS.d", ``, "-+++-"},
		{"$JS.API.CONSUMER.INFO.PARLEY_REJECTED.d", ``, "-----"},
		{"$JS.API.CONSUMER.CREATE.PARLEY_EVENTS.r1", pull("r1"), "-+++-"},
		{"$JS.API.CONSUMER.CREATE.PARLEY_EVENTS", `{"stream_name":"PARLEY_EVENTS","config":{"ack_policy":"none"}}`, "-+++-"},
		{"$JS.API.CONSUMER.CREATE.PARLEY_REJECTED.r1", strings.ReplaceAll(pull("r1"), eventsStream, rejectedStream), "--++-"},
		{"$JS.API.CONSUMER.CREATE.KV_PARLEY_CREDENTIALS.r1", strings.ReplaceAll(pull("r1"), eventsStream, secretsStream), "----+"},
		{"$JS.API.CONSUMER.DURABLE.CREATE.PARLEY_EVENTS.r2", `{"stream_name":"PARLEY_EVENTS","config":{"durable_name":"r2"}}`, "--++-"},
		{"$JS.API.CONSUMER.MSG.NEXT.PARLEY_EVENTS.d", `{"batch":1,"no_wait":true}`, "-+++-"},
		{"$JS.API.CONSUMER.DELETE.PARLEY_EVENTS.d", ``, "--+--"}, // the first who may takes it away
		{"$JS.API.STREAM.CREATE.EVIL", `{"name":"EVIL","subjects":["evil"]}`, "--+++"},
		{"$JS.API.STREAM.CREATE.THIEF", `{"name":"THIEF","sources":[{"name":"KV_PARLEY_CREDENTIALS"}]}`, "--+++"},
		{"$JS.API.STREAM.UPDATE.PARLEY_EVENTS", `{"name":"PARLEY_EVENTS","subjects":["parley.events.0"],"storage":"file","retention":"limits","discard":"old","allow_direct":true,"num_replicas":1}`, "--++-"},
		{"$JS.API.STREAM.MSG.DELETE.PARLEY_EVENTS", `{"seq":1}`, "--++-"},
		{"$JS.API.STREAM.PURGE.PARLEY_REJECTED", ``, "--++-"},
		{"$JS.API.STREAM.PURGE.KV_PARLEY_CREDENTIALS", ``, "----+"},
		{"$JS.API.STREAM.DELETE.KV_PARLEY_CREDENTIALS", ``, "----+"},
		{"$JS.API.STREAM.SNAPSHOT.PARLEY_REJECTED", `{"deliver_subject":"_INBOX.x"}`, "--++-"},
		{"$JS.API.STREAM.RESTORE.EVIL2", `{"config":{"name":"EVIL2","subjects":["evil2"]}}`, "--+++"},
		{"$JS.API.META.LEADER.STEPDOWN", ``, "-----"},
		{"$JS.API.ACCOUNT.PURGE.PARLEY_PRIVATE", ``, "-----"},
		{"$SYS.REQ.SERVER.PING", ``, "-----"},
		{"$SYS.REQ.ACCOUNT.PARLEY_PRIVATE.CONNZ", ``, "-----"},
	} {
		var got strings.Builder
		answers := ""
		for _, user := range users {
			conn, _ := as(t, s, user)
			answer, err := conn.Request(row.subject, []byte(row.body), 300*time.Millisecond)
			reaches := err == nil
			if reaches {
				status := answer.Header.Get("Status")
				reaches = status != "503" && !strings.Contains(string(answer.Data), "not found") &&
					!strings.Contains(string(answer.Data), "not enabled for account")
				answers += fmt.Sprintf("\n  %s: %.200s", user.Name, answer.Data)
			}
			conn.Close()
			if reaches {
				got.WriteByte('+')
			} else {
				got.WriteByte('-')
			}
		}
		t.Logf("%s  %s", got.String(), row.subject)
		if got.String() != row.want {
			t.Errorf("%s is reached by %s, want %s%s", row.subject, got.String(), row.want, answers)
		}
	}
	_ = private
}

// What a user may subscribe to, and what it hears then of what Parley does.
func TestEveryUserReceivesOnlyItsInbox(t *testing.T) {
	s, log, private := accountsUnderTest(t)
	var heard [3]atomic.Int32
	users := []embedded.User{s.Users.Publisher, s.Users.Reader, s.Users.Operator}
	for n, user := range users {
		conn, denied := as(t, s, user)
		subjects := []string{">", "*.>", "parley.>", "parley.publish.>", "parley.events.0", "parley.gate.>", "$KV.>", "$JS.>", "$JS.API.>", "$SYS.>", "$JS.EVENT.>"}
		for _, subject := range subjects {
			if _, err := conn.Subscribe(subject, func(*nats.Msg) { heard[n].Add(1) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		eventuallyDenied(t, user.Name, denied, len(subjects))
		if _, err := conn.Subscribe("_INBOX.>", func(*nats.Msg) {
			if n < 2 { // the operator shares the log's account, whose streams it may read
				heard[n].Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Publish(t.Context(), "parley.events.0", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	kv, err := private.KeyValue(t.Context(), "PARLEY_CREDENTIALS")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := kv.Put(t.Context(), "signing", []byte("another seed")); err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Get(t.Context(), "signing"); err != nil {
			t.Fatal(err)
		}
	}
	for n := range heard {
		if got := heard[n].Load(); got > 0 {
			t.Errorf("%s heard %d messages", users[n].Name, got)
		}
	}
}

func eventuallyDenied(t *testing.T, who string, denied *atomic.Int32, want int) {
	t.Helper()
	deadline := time.After(patience)
	for int(denied.Load()) < want {
		select {
		case <-deadline:
			t.Fatalf("%s was denied %d of %d subjects", who, denied.Load(), want)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// The stream can be read with the consumers of the client library, as a reader would.
func TestReaderReadsTheEventsThroughConsumers(t *testing.T) {
	s, log, _ := accountsUnderTest(t)
	for n := range 500 {
		if _, err := log.Publish(t.Context(), "parley.events.0", fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
			t.Fatal(err)
		}
	}
	conn, _ := as(t, s, s.Users.Reader)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), eventsStream)
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := ordered.Fetch(501, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for m := range batch.Messages() {
		if meta, err := m.Metadata(); err != nil || int(meta.Sequence.Stream) != got+1 {
			t.Fatalf("message %d: %+v, %v", got, meta, err)
		}
		got++
	}
	if got != 501 {
		t.Errorf("%d messages were read: %v", got, batch.Error())
	}
	durable, err := stream.CreateOrUpdateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "bi", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	m, err := durable.Next(jetstream.FetchMaxWait(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Errorf("an acknowledgement does not arrive: %v", err)
	}
	if info := durable.CachedInfo(); info.Config.InactiveThreshold != 24*time.Hour {
		t.Errorf("an idle consumer goes after %s", info.Config.InactiveThreshold)
	}
}

// JetStream delivers to any subject that a push consumer names, its own API included.
func TestReaderCannotHaveEventsDeliveredSomewhere(t *testing.T) {
	s, log, _ := accountsUnderTest(t)
	conn, _ := as(t, s, s.Users.Reader)
	for _, config := range []string{
		`{"deliver_subject":"$JS.API.STREAM.DELETE.PARLEY_REJECTED","headers_only":true,"ack_policy":"none"}`,
		`{"Deliver_Subject":"parley.rejected","ack_policy":"none"}`,
		`{"deliver_\u017fubject":"parley.rejected","ack_policy":"none"}`,
		`{"deliver_subject":"","DELIVER_SUBJECT":"parley.rejected","ack_policy":"none"}`,
		`{"deliver_subject":"_INBOX.x","ack_policy":"none"}`,
	} {
		answer, err := conn.Request("$JS.API.CONSUMER.CREATE.PARLEY_EVENTS", []byte(`{"stream_name":"PARLEY_EVENTS","config":`+config+`}`), 5*time.Second)
		if err != nil || !strings.Contains(string(answer.Data), "deliver_subject") || strings.Contains(string(answer.Data), `"created"`) {
			t.Errorf("%s: %v, %s", config, err, answer.Data)
		}
	}
	if answer, err := conn.Request("$JS.API.CONSUMER.CREATE.PARLEY_EVENTS.x", []byte(`{"stream_name":"PARLEY_REJECTED","config":{"name":"x"}}`), 5*time.Second); err != nil ||
		strings.Contains(string(answer.Data), rejectedStream) {
		t.Errorf("another stream: %v, %s", err, answer.Data)
	}
	if _, err := log.Stream(t.Context(), rejectedStream); err != nil {
		t.Error(err)
	}
}
