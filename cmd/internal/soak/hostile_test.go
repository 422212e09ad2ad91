package soak

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// hostile sends what is hard on the tables: conversations at the limits of the contract, and, as any
// client of NATS can, messages that are no events.
type hostile struct {
	*sender
	client *nats.Conn
	sent   int // messages that are no events
}

// hostileProject is above all projects of ordinary senders.
const hostileProject schema.ProjectID = 1_000_000

// hostile makes a sender a hostile one.
func (in *instance) hostile(s *sender) *hostile {
	in.t.Helper()
	access := in.logAccess()
	conn, err := nats.Connect(access.URL, nats.UserInfo(access.User, access.Password),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(conn.Close)
	s.unreadable = map[string]bool{}
	return &hostile{sender: s, client: conn}
}

// run sends until stop is closed.
func (h *hostile) run(stop <-chan struct{}) {
	dice := foldtest.Seeded(h.seed)
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		kind := dice.IntN(manyMessages)
		if n%20 == 0 { // few, since each takes a second or more to fold independently
			kind = manyMessages
		}
		events := hostileConversation(dice, kind, foldtest.Conversation(hostileProject, n))
		for len(events) > 0 {
			some := min(len(events), 1+dice.IntN(400))
			if !h.deliver(client, stop, events[:some], 0) {
				return
			}
			events = events[some:]
			h.publish(dice)
		}
	}
}

// publish sends a message that is no event, and notes it if it is stored.
func (h *hostile) publish(dice foldtest.Dice) {
	h.sent++
	message := unreadable(dice, fmt.Sprintf("%d-%d", h.seed, h.sent))
	h.gate.RLock()
	defer h.gate.RUnlock()
	answer, err := h.client.RequestMsg(message, 10*time.Second)
	if err != nil || bytes.Contains(answer.Data, []byte(`"error"`)) {
		return // it may be stored nevertheless
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unreadable[string(message.Data)] = true
}

// unreadable is a message with an id that no other one has.
func unreadable(dice foldtest.Dice, id string) *nats.Msg {
	payloads := []string{
		"hello " + id,
		"\xff\xfe\x00 " + id,
		`{"specversion":"1.0","id":"` + id + `"`,
		`{"specversion":"1.0","id":"` + id + `","source":"s","type":"parley.conversation.opened.v1","projectid":1,"time":"2024-03-01T10:00:00Z","subject":"no conversation","data":{}}`,
		`{"specversion":"1.0","id":"` + id + `","source":"s","type":"parley.conversation.opened.v1","projectid":1,"time":"2024-03-01T10:00:00Z","subject":"00000000-0000-4000-8000-000000000001","data":{"channel":"PIGEON"}}`,
		`{"id":"` + id + `","text":"` + strings.Repeat("x", schema.MaxEventBytes) + `"}`,
		"[" + strings.Repeat("[", 10_000) + id,
	}
	headers := []nats.Header{nil, nil, {"Status": {"100"}}, {"Parley-Lost": {"1"}}, {"Parley-Sum": {"wrong"}}, {"Parley-Events": {"2"}}}
	return &nats.Msg{
		Subject: "parley.publish." + id, Header: headers[dice.IntN(len(headers))], Data: []byte(payloads[dice.IntN(len(payloads))]),
	}
}

// manyMessages is the last kind of hostile conversations.
const manyMessages = 4

// hostileConversation returns the events of a conversation in the order in which they are sent: most as
// they happen.
func hostileConversation(dice foldtest.Dice, kind int, key schema.ConversationKey) []schema.Event {
	p := plot{key: key, now: 1_700_000_000_000}
	switch kind {
	case 0:
		p.tagsAndContacts(schema.MaxListed+dice.IntN(50), []int{20, 100, 500, schema.MaxListed + 50}[dice.IntN(4)])
	case 1:
		p.longNames(dice.IntN(500))
	case 2:
		p.oddTexts()
	case 3:
		p.oneInstant(dice.IntN(500))
	case manyMessages:
		p.manyMessages(dice, 4_800+dice.IntN(1_500))
	}
	for range len(p.events) / 20 {
		i, j := dice.IntN(len(p.events)), dice.IntN(len(p.events))
		p.events[i], p.events[j] = p.events[j], p.events[i]
	}
	return p.events
}

// plot is the course of a conversation.
type plot struct {
	key    schema.ConversationKey
	now    schema.Timestamp
	events []schema.Event
}

func (p *plot) happen(t schema.Type, data schema.Data) {
	p.events = append(p.events, schema.Event{
		Project: p.key.Project, Conversation: p.key.Conversation, Source: "hostile",
		ID: fmt.Sprintf("%s/%d", p.key.Conversation, len(p.events)), Type: t, Time: p.now, Data: data,
	})
}

// tagsAndContacts has many of both, so that a row with the ones for each of the others is large.
func (p *plot) tagsAndContacts(tags, contacts int) {
	p.happen(schema.TypeOpened, &schema.Opened{Channel: "CHAT", Campaign: &schema.Ref{ID: "c", Name: new("Campaign")}})
	for n := range max(tags, contacts) {
		p.now += 1000
		if n < tags {
			p.happen(schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: fmt.Sprintf("tag-%d", n), Name: new(fmt.Sprintf("Tag %d", n))}})
		}
		if n < contacts {
			p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: schema.OperatorID(n + 1), Kind: schema.KindBot}})
		}
		if n%10 == 0 {
			p.happen(schema.TypeUntagged, &schema.Untagged{Tag: schema.Ref{ID: fmt.Sprintf("tag-%d", n/2)}})
		}
	}
	p.happen(schema.TypeClosed, &schema.Closed{})
}

// longNames has every text as long as it may be.
func (p *plot) longNames(contacts int) {
	id, name := strings.Repeat("i", schema.MaxIDBytes), strings.Repeat("é", schema.MaxNameBytes/2)
	opened := &schema.Opened{
		Channel: "CHAT", Language: &name, Campaign: &schema.Ref{ID: id, Name: &name},
		Visitor: &schema.Visitor{ID: id, ExternalID: &id, FirstName: &name, LastName: &name, Email: &name, Phone: &name},
	}
	for n := range schema.MaxCustomMembers {
		key := fmt.Sprintf("%03d", n)
		opened.CustomData = append(opened.CustomData, schema.CustomValue{
			Key: key + strings.Repeat("k", schema.MaxCustomKeyBytes-len(key)), Value: strings.Repeat("v", 1000),
		})
	}
	p.happen(schema.TypeOpened, opened)
	p.happen(schema.TypeRouted, &schema.Routed{Rule: schema.Ref{ID: id, Name: &name}, Group: &schema.Ref{ID: id, Name: &name}})
	for n := range contacts {
		p.now += 1000
		p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: schema.OperatorID(n + 1), Kind: schema.KindExpert, Name: &name, Email: &name}})
	}
	p.happen(schema.TypeClosed, &schema.Closed{Reason: &name})
}

// oddTexts are texts that one system or another takes for something else.
var oddTexts = []string{
	"", "\x00", `\N`, "NULL", "NaN", "'); DROP TABLE conversations; --", "\t\r\n\"\\'`", "{p:UInt8}", "\u202e\ufeff\u0000", "\U0001F600\u200d",
	"a/b:c", strings.Repeat("é", schema.MaxIDBytes/2),
}

// oddTexts has each of them wherever there may be any text, in 1970.
func (p *plot) oddTexts() {
	p.now = 0
	for n, text := range oddTexts {
		id := fmt.Sprint(n, text)[:min(schema.MaxIDBytes, len(fmt.Sprint(n, text)))]
		id = strings.ToValidUTF8(id, "")
		p.happen(schema.TypeOpened, &schema.Opened{
			Channel: "SMS", Language: &text, Campaign: &schema.Ref{ID: id, Name: &text}, Visitor: &schema.Visitor{ID: text, FirstName: &text},
			CustomData: []schema.CustomValue{{Key: text, Value: text}},
		})
		p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: 1 << 53 / schema.OperatorID(n+2), Kind: schema.KindProfessional, Name: &text, Email: &text}})
		p.happen(schema.TypeMessage, &schema.Message{MessageID: id, AuthorKind: schema.KindVisitor, VisitorID: &text, Text: &text})
		p.happen(schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: id, Name: &text}})
		p.happen(schema.TypeSatisfaction, &schema.Satisfaction{Comment: &text})
		p.happen(schema.TypeClosed, &schema.Closed{Reason: &text})
		p.now++
	}
}

// manyMessages has mostly more events than are folded in a batch: messages, of which some are changed and deleted, many of them long
// before, and a few reads, each of which costs the independent fold a look at all of them.
func (p *plot) manyMessages(dice foldtest.Dice, messages int) {
	p.happen(schema.TypeOpened, &schema.Opened{Channel: "CHAT"})
	p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: 1, Kind: schema.KindProfessional}})
	for n := range messages {
		p.now += schema.Timestamp(dice.IntN(3)) * 500
		author := []schema.UserKind{schema.KindVisitor, schema.KindProfessional}[dice.IntN(2)]
		p.happen(schema.TypeMessage, &schema.Message{MessageID: fmt.Sprint("m-", n), AuthorKind: author, Text: new(fmt.Sprint("message ", n))})
		earlier := fmt.Sprint("m-", dice.IntN(n+1))
		switch dice.IntN(400) {
		case 0, 1, 2, 3, 4, 5, 6, 7:
			p.happen(schema.TypeMessage, &schema.Message{MessageID: earlier, AuthorKind: author, Text: new(fmt.Sprint("changed after ", n))})
		case 8, 9, 10, 11:
			p.happen(schema.TypeDeleted, &schema.Deleted{MessageID: earlier})
		case 12:
			p.happen(schema.TypeRead, &schema.Read{Reader: schema.ReaderOperator})
		case 13:
			p.happen(schema.TypeRead, &schema.Read{Reader: schema.ReaderVisitor, UpTo: &earlier})
		}
	}
	p.happen(schema.TypeClosed, &schema.Closed{})
}

// oneInstant has everything in one millisecond.
func (p *plot) oneInstant(contacts int) {
	p.happen(schema.TypeOpened, &schema.Opened{Channel: "EMAIL"})
	for n := range contacts {
		p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: schema.OperatorID(1 + n%3), Kind: schema.KindBot}})
		p.happen(schema.TypeSnoozed, &schema.Snoozed{})
		p.happen(schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: fmt.Sprint(n % 7)}})
		p.happen(schema.TypeUntagged, &schema.Untagged{Tag: schema.Ref{ID: fmt.Sprint(n % 5)}})
	}
}
