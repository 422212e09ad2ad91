package eventlog

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

// TestBinaryModeIsReadAsTheStructuredForm is about this edge: what is in a log cannot
// be refused any more. The rules are tested in package schema.
func TestBinaryModeIsReadAsTheStructuredForm(t *testing.T) {
	attributes := nats.Header{
		"ce-specversion": {"1.0"}, "ce-id": {"a%20b"}, "ce-source": {"/s"}, "ce-type": {"parley.conversation.closed.v1"},
		"ce-time": {"2026-01-02T03:04:05Z"}, "ce-subject": {"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10"}, "ce-projectid": {"7"},
		"Content-Type": {"application/json"}, "Nats-Msg-Id": {"x"},
	}
	with := func(name, value string) nats.Header {
		h := nats.Header{name: {value}}
		for name, values := range attributes {
			if _, set := h[name]; !set {
				h[name] = values
			}
		}
		return h
	}
	const begin = `{"datacontenttype":"application/json","id":"a b","projectid":"7","source":"/s","specversion":"1.0",` +
		`"subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","time":"2026-01-02T03:04:05Z","type":"parley.conversation.closed.v1","data":`
	for name, c := range map[string]struct {
		header        nats.Header
		payload, want string
	}{
		"binary":  {attributes, ` {"reason":"é"} `, begin + `{"reason":"é"}}`},
		"no data": {attributes, ``, begin + `null}`},
		"no JSON": {attributes, `{"`, begin + `"{\""}`},
		"an unknown attribute": {with("ce-trace", "%zz"), `{}`, begin[:len(begin)-len(`"type":"parley.conversation.closed.v1","data":`)] +
			`"trace":"%zz","type":"parley.conversation.closed.v1","data":{}}`},
		"data as an attribute": {with("ce-data", "1"), `{}`, begin + `{}}`},
		"without specversion":  {nats.Header{"ce-id": {"1"}}, `{"a":1}`, `{"a":1}`},
		"Go writes names so":   {with("Ce-Id", "a%20b"), `{}`, `{}`}, // twice: ce-id and Ce-Id
		"structured":           {with("Content-Type", "application/cloudevents+json"), `{"a":1}`, `{"a":1}`},
		"no headers":           {nil, `{"a":1}`, `{"a":1}`},
		"headers of JetStream": {nats.Header{"Nats-Msg-Id": {"x"}}, `{"a":1}`, `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				if got := string(structuredOf(c.header, []byte(c.payload))); got != c.want {
					t.Fatalf("got  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

// TestForeignClientPublishesInBothModes uses nats.go as anybody would.
func TestForeignClientPublishesInBothModes(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server)
	foreign, err := nats.Connect(server.URL, nats.UserInfo(server.User, server.Password))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	js, err := foreign.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	const structured = `{"specversion":"1.0","id":"1","source":"/s","type":"parley.conversation.closed.v1","time":"2026-01-02T03:04:05Z",` +
		`"subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","projectid":7,"data":{}}`
	if _, err := js.Publish(EventsSubject, []byte(structured)); err != nil {
		t.Fatal(err)
	}
	message := nats.NewMsg(EventsSubject)
	message.Data = []byte(`{"reason":"DONE"}`)
	for name, value := range map[string]string{
		"specversion": "1.0", "id": "2", "source": "/s", "type": "parley.conversation.closed.v1", "time": "2026-01-02T03:04:06Z",
		"subject": "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10", "projectid": "7",
	} {
		message.Header["ce-"+name] = []string{value}
	}
	if _, err := js.PublishMsg(message); err != nil {
		t.Fatal(err)
	}
	reader := b.Events().NewReader()
	defer reader.Close()
	var events []schema.Event
	for after := schema.Sequence(0); len(events) < 2; {
		entries, err := reader.Read(testContext(t), after, 10, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			event, refused := schema.Decode(e.Payload, e.ReceivedAt)
			if refused != nil {
				t.Fatalf("%v: %s", refused, e.Payload)
			}
			events = append(events, event)
			after = e.Sequence
		}
	}
	if closed := events[1].Data.(*schema.Closed); events[0].ID != "1" || events[1].ID != "2" || *closed.Reason != "DONE" {
		t.Errorf("%+v", events)
	}
	one, err := b.Events().Get(testContext(t), at(2, 0))
	if err != nil {
		t.Fatal(err)
	}
	if event, refused := schema.Decode(one.Payload, one.ReceivedAt); refused != nil || event.ID != "2" {
		t.Errorf("%s: %v", one.Payload, refused)
	}
}
