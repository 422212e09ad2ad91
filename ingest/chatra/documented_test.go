package chatra

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// documentedChat is the chatId of the payloads that Chatra's page shows.
const documentedChat = "aC4krWMZWLYzz9sKZ"

// documented is a payload of Chatra's page, without its lines of comments.
func documented(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("testdata/documented/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "//") {
			body.WriteString(line)
		}
	}
	return body.String()
}

// decoded are the events of the log, in the order of the fold as far as time goes.
func (r *rig) decoded() []schema.Event {
	r.t.Helper()
	var events []schema.Event
	for line := range strings.Lines(r.events()) {
		event, refused := schema.Decode([]byte(line), r.now)
		if refused != nil {
			r.t.Fatal(refused)
		}
		events = append(events, event)
	}
	return events
}

// summary counts conversations and describes the events in time: their types, in
// milliseconds since the first one.
func (r *rig) summary() string {
	r.t.Helper()
	conversations := make(map[schema.ConversationID]bool)
	var out []string
	events := r.decoded()
	for _, event := range events {
		conversations[event.Conversation] = true
		kind := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(string(event.Type), "parley."), "conversation."), ".v1")
		out = append(out, fmt.Sprintf("%s+%d", kind, event.Time-events[0].Time))
	}
	return fmt.Sprintf("%d: %s", len(conversations), strings.Join(out, " "))
}

// TestDocumentedPayloadsDescribeTheVisitor posts each payload of Chatra's page alone.
func TestDocumentedPayloadsDescribeTheVisitor(t *testing.T) {
	r := newRig(t)
	for n, c := range []struct{ name, want string }{
		{"chatStarted", "1: message.sent+0 opened+0 pushed+0"},
		// Three messages are there, two of them automatic and hours old.
		{"chatFragment", "1: message.sent+0 opened+0"},
		{"chatTranscript", "1: message.sent+0 opened+0 message.sent+26213 pushed+26213 message.sent+32461 closed+38709 message.sent+38709"},
	} {
		r.another(n)
		r.post(documented(t, c.name))
		if left := r.settleChat(documentedChat); left != nil {
			t.Errorf("%s: %s makes nothing", c.name, left)
		}
		if got := r.summary(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		for _, event := range r.decoded() {
			opened, is := event.Data.(*schema.Opened)
			if !is {
				continue
			}
			v := opened.Visitor
			if v == nil || v.ID != "vfg1y4h4ioapl1cx0trw1mujk6den021zs9b2q8" || *v.FirstName != "Jane" || v.LastName != nil ||
				*v.Email != "[email protected]" || *v.Phone != "+353 1 568 4258" || *opened.Language != "en" || opened.Channel != "CHAT" {
				t.Errorf("%s: %+v", c.name, opened)
			}
			custom := make(map[string]string)
			for _, value := range opened.CustomData {
				custom[value.Key] = value.Value
			}
			want := map[string]string{
				"country": "Ireland", "city": "Dublin", "browser": "Chrome 45.0.2454", "os": "Windows 10", "browserLanguage": "en-US",
				"groupId": "z2o3F8GDkNpKD4BYt", "marketingConsent": "true", "termsOfServiceConsent": "true",
				"chatLink": "https://app.chatra.io/chat/aC4krWMZWLYzz9sKZ", "notes": "Loves skinny jeans", "order": "#151254",
				"Cart": "Washed skinny jeans for women, $99",
			}
			if c.name != "chatFragment" {
				want["hostName"], want["chatStartedPage"] = "getwear.com", "http://getwear.com/women/151254/"
			}
			if fmt.Sprint(custom) != fmt.Sprint(want) {
				t.Errorf("%s: custom data %v, want %v", c.name, custom, want)
			}
		}
	}
}

// TestDocumentedPayloadsMakeOneConversation posts the three in each order: they
// are of one chat, which its agent began two hours before the visitor wrote.
func TestDocumentedPayloadsMakeOneConversation(t *testing.T) {
	r := newRig(t)
	all := []string{documented(t, "chatStarted"), documented(t, "chatFragment"), documented(t, "chatTranscript")}
	const want = "1: message.sent+0 opened+0 pushed+0 message.sent+8399262 message.sent+8425475 message.sent+8431723 closed+8437971 message.sent+8437971"
	n := 0
	permute(all, func(order []string) {
		n++
		r.another(n)
		for _, body := range order {
			r.post(body)
		}
		r.settleChat(documentedChat)
		for _, body := range order {
			r.post(body)
		}
		r.settleChat(documentedChat)
		// A transcript may tell of the opening again.
		if got := strings.Replace(r.summary(), "opened+0 opened+0", "opened+0", 1); got != want {
			t.Errorf("order %d: %s, want %s", n, got, want)
		}
	})
}

// transcript is one of a chat with messages at minutes, each by the visitor (v),
// an agent (a), or automatic (t), e.g. "v0 a1 v2".
func transcript(kind, messages string) string {
	var all []string
	for _, m := range strings.Fields(messages) {
		author := map[byte]string{
			'v': `"type":"client"`, 'a': `"type":"agent","agentId":"A","agentName":"Ann"`, 't': `"type":"agent","agentId":"A","isTrigger":true`,
		}[m[0]]
		var minute int
		_, _ = fmt.Sscan(m[1:], &minute)
		all = append(all, fmt.Sprintf(`{"id":%q,%s,"text":"x","createdAt":%d}`, m, author, 1772042900000+60_000*minute))
	}
	return `{"eventName":"` + kind + `","client":{"id":"v","chatId":"c"},"messages":[` + strings.Join(all, ",") + `]}`
}

func minutes(summary string) string {
	for _, minute := range []int{0, 1, 2, 3, 4, 5, 10, 11, 4320} {
		summary = strings.ReplaceAll(summary+" ", fmt.Sprintf("+%d ", 60_000*minute), fmt.Sprintf("+%dm ", minute))
	}
	return strings.TrimSpace(summary)
}

// TestExtendedTranscriptsAreOfTheSameConversation sends a transcript again with
// more messages: soon after, where the order does not matter, and late.
func TestExtendedTranscriptsAreOfTheSameConversation(t *testing.T) {
	r := newRig(t)
	short, long := transcript("chatTranscript", "v0 a1 v2"), transcript("chatTranscript", "v0 a1 v2 v3")
	const want = "1: message.sent+0m opened+0m message.sent+1m pushed+1m message.sent+2m closed+3m message.sent+3m"
	for n, order := range [][]string{{short, long}, {long, short}, {long}, {short, short, long, short}} {
		r.another(n)
		for _, body := range order {
			r.post(body)
		}
		r.settleChat("c")
		for _, body := range order {
			r.post(body)
			r.settleChat("c")
		}
		if got := minutes(r.summary()); got != want {
			t.Errorf("order %d: %s, want %s", n, got, want)
		}
	}
	for n, c := range []struct{ then, want string }{
		// The visitor's late word does not open what is closed.
		{"v0 a1 v2 v3", "1: message.sent+0m opened+0m message.sent+1m pushed+1m closed+2m message.sent+2m message.sent+3m"},
		// An agent's does.
		{"v0 a1 v2 v3 a4 v5", "1: message.sent+0m opened+0m message.sent+1m pushed+1m closed+2m message.sent+2m message.sent+3m " +
			"message.sent+4m pushed+4m closed+5m message.sent+5m"},
	} {
		r.another(100 + n)
		for _, body := range []string{short, transcript("chatTranscript", c.then), short} {
			r.post(body)
			r.settleChat("c")
			r.post(body)
			r.settleChat("c")
		}
		if got := minutes(r.summary()); got != c.want {
			t.Errorf("%s: %s, want %s", c.then, got, c.want)
		}
	}
}

// TestEarlyAutomaticMessagesDoNotBeginAConversation has messages that nobody
// answered three days before the visitor wrote.
func TestEarlyAutomaticMessagesDoNotBeginAConversation(t *testing.T) {
	r := newRig(t)
	for n, c := range []struct{ messages, want string }{
		{"t0 v4320 a4321", "1: message.sent+0m opened+0m closed+1m message.sent+1m pushed+1m"},
		{"t0 t4310 v4320 a4321", "1: message.sent+0m message.sent+10m opened+10m closed+11m message.sent+11m pushed+11m"},
		{"v0 t1 v4320", "1: message.sent+0m opened+0m message.sent+1m closed+4320m message.sent+4320m"},
		{"t0 t4320", "1: closed+0m message.sent+0m opened+0m"},
	} {
		r.another(n)
		r.post(transcript("chatTranscript", c.messages))
		r.settleChat("c")
		if got := minutes(r.summary()); got != c.want {
			t.Errorf("%s: %s, want %s", c.messages, got, c.want)
		}
	}
	r.another(10)
	r.post(transcript("chatFragment", "t0 t1"))
	if left := r.settleChat("c"); len(left) != 1 || len(r.log) != 0 {
		t.Errorf("%s, %s", left, r.events())
	}
}

// TestBrevoPayloadsMakeTheSameEvents renames what Chatra's successor has renamed.
func TestBrevoPayloadsMakeTheSameEvents(t *testing.T) {
	r := newRig(t)
	renames := strings.NewReplacer(
		`"chatStarted"`, `"conversationStarted"`, `"chatFragment"`, `"conversationFragment"`, `"chatTranscript"`, `"conversationTranscript"`,
		`"client"`, `"visitor"`, `"clientId"`, `"visitorId"`, `"chatId"`, `"conversationId"`, `"chatStartedPage"`, `"conversationStartPage"`,
	)
	bodies := append(payloads(t), documented(t, "chatStarted"), documented(t, "chatFragment"), documented(t, "chatTranscript"))
	var got [2]string
	for n := range got {
		r.another(n)
		for _, body := range bodies {
			if n == 1 {
				body = renames.Replace(body)
			}
			r.post(body)
		}
		r.settle()
		r.settleChat(documentedChat)
		got[n] = r.events()
	}
	if got[0] != got[1] || strings.Count(got[0], "conversation.closed") != 3 {
		t.Error(difference(got[1], got[0]))
	}
}

// TestLargeFragmentsDoNotWait has one that is larger than what may wait, and than
// a message of the broker.
func TestLargeFragmentsDoNotWait(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("x", 30<<10)
	large := strings.ReplaceAll(transcript("chatFragment", "v1 a2 "+strings.TrimSpace(strings.Repeat("v3 ", 50))), `"text":"x"`, `"text":"`+text+`"`)
	for n := range 50 {
		large = strings.Replace(large, `"id":"v3"`, fmt.Sprintf(`"id":"v3.%d"`, n), 1)
	}
	if len(large) < 1<<20 {
		t.Fatal(len(large))
	}
	r.post(transcript("chatFragment", "v0"))
	r.post(large)
	if got := r.decoded(); len(got) != 55 || !slices.ContainsFunc(got, func(e schema.Event) bool { return e.Type == schema.TypePushed }) {
		t.Errorf("%d events", len(got))
	}
	r.post(transcript("chatTranscript", "v0 v1 a2 v10"))
	r.settleChat("c")
	if got := r.summary(); !strings.HasPrefix(got, "1: ") || strings.Count(got, "closed") != 1 {
		t.Error(got)
	}
}

// TestWhatIsRememberedIsBounded has many conversations with many agents.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var thread thread
	for n := range 200 {
		c := thread.begin(conversation{Start: schema.Timestamp(n), From: schema.Timestamp(n), To: schema.Timestamp(n)})
		for agent := range 200 {
			c.push(fmt.Sprintf("%0256d", agent), schema.Timestamp(n))
		}
	}
	value, err := thread.encode()
	if err != nil || len(value) > mostRemembered+1<<10 {
		t.Errorf("%d bytes, %v", len(value), err)
	}
	if n := len(thread.Conversations); n < 5 || thread.Conversations[n-1].Start != 199 {
		t.Errorf("%d conversations are remembered", n)
	}
}
