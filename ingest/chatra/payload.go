package chatra

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/schema"
)

// kind is the kind of a payload, by Chatra's name.
type kind string

const (
	chatStarted    kind = "chatStarted"
	chatFragment   kind = "chatFragment"
	chatTranscript kind = "chatTranscript"
)

// kinds maps Chatra's names and those of Brevo Conversations.
var kinds = map[string]kind{
	"chatStarted": chatStarted, "conversationStarted": chatStarted,
	"chatFragment": chatFragment, "conversationFragment": chatFragment,
	"chatTranscript": chatTranscript, "conversationTranscript": chatTranscript,
}

// Limits of event members, in bytes. A text of maxText fits however it is escaped.
const (
	maxName = 1024
	maxText = 32 << 10
)

// mostMessages is the maximum number of messages in a payload.
const mostMessages = 9000

// payload is a parsed webhook.
type payload struct {
	kind     kind
	chat     string    // names the thread
	messages []message // in order, each id once; never empty
	from     schema.Timestamp
	agents   map[string]agent
	visitor  *visitor
	language string
	custom   map[string]string
}

type agent struct{ name, email string }

type message struct {
	id        string
	at        schema.Timestamp
	author    schema.UserKind // VISITOR, PROFESSIONAL or BOT
	agent     string          // id of the agent in whose name it was sent
	agentName string
	text      *string
	automatic bool
	received  string // receivedFrom
}

// personal is whether a person wrote the message, of whichever side.
func (m *message) personal() bool { return !m.automatic }

// byAgent is whether an agent wrote it in person.
func (m *message) byAgent() bool { return m.author == schema.KindProfessional && m.personal() }

// read parses a payload received at a moment. fault is what could not be mapped; if the payload is
// nil, nothing could.
func read(body []byte, came time.Time) (p *payload, fault *schema.Error) {
	o, fault := source.Read(body)
	if fault != nil {
		return nil, fault
	}
	name := o.Text(maxName, "eventName")
	p = &payload{kind: kinds[name]}
	client := o.Object("client", "visitor")
	switch {
	case name == "":
		o.Missing("eventName")
		return nil, o.Fault()
	case p.kind == "":
		return nil, &schema.Error{Code: schema.CodeUnsupported, Field: "eventName", Rule: "is not supported"}
	}
	if p.chat = client.ID("chatId", "conversationId"); p.chat == "" {
		client.Missing("chatId")
		return nil, o.Fault()
	}
	said := o.Objects("messages")
	if p.kind == chatStarted {
		said = nil
		if o.Has("message") {
			said = []*source.Object{o.Object("message")}
		}
	}
	if len(said) > mostMessages {
		o.Note(schema.CodeInvalid, "messages", fmt.Sprintf("must be at most %d", mostMessages))
		return nil, o.Fault()
	}
	latest := schema.TimestampOf(came.Add(schema.MaxAhead))
	for _, m := range said {
		if read, ok := readMessage(m, latest); ok {
			p.messages = append(p.messages, read)
		}
	}
	if len(p.messages) == 0 {
		if p.kind == chatStarted {
			o.Missing("message")
		} else {
			o.Missing("messages")
		}
		return nil, o.Fault()
	}
	p.messages = ordered(p.messages)
	p.from = first(p.messages)
	p.messages = withoutEarly(p.messages)
	p.readAgents(o)
	p.readClient(client)
	p.readPlace(o)
	return p, o.Fault()
}

// readMessage reads one message; false if it lacks what an event needs.
func readMessage(o *source.Object, latest schema.Timestamp) (m message, ok bool) {
	m = message{
		id: o.ID("id"), agent: o.ID("agentId"), agentName: o.Text(maxName, "agentName"),
		automatic: o.Flag("isTrigger"), received: o.Text(maxName, "receivedFrom"),
	}
	m.automatic = o.Flag("isPushed") || m.automatic
	if o.Has("text") {
		text := o.Text(maxText, "text")
		m.text = &text
	}
	switch kind := o.Text(maxName, "type"); {
	case kind == "client" || kind == "visitor":
		m.author = schema.KindVisitor
	case kind == "agent" && m.agent != "":
		m.author = schema.KindProfessional
	case kind == "agent" || kind == "bot": // without an agent
		m.author = schema.KindBot
	default:
		o.Note(schema.CodeInvalid, "type", "must be client, agent or bot")
	}
	at, dated := o.Moment("createdAt")
	switch {
	case !dated:
		o.Missing("createdAt")
	case at > latest:
		o.Note(schema.CodeInvalid, "createdAt", "must be at most 24 h after the moment the message came")
		dated = false
	case m.id == "":
		o.Missing("id")
	}
	m.at = at
	return m, dated && m.id != "" && m.author != ""
}

// readAgents reads the participating agents.
func (p *payload) readAgents(o *source.Object) {
	p.agents = make(map[string]agent)
	known := o.Objects("agents")
	if o.Has("agent") {
		known = append(known, o.Object("agent"))
	}
	for _, a := range known {
		if id := a.ID("id"); id != "" {
			p.agents[id] = agent{name: a.Text(maxName, "name"), email: a.Text(maxName, "email")}
		}
	}
}

// facts are the members of client that go into custom data under their own names.
var facts = []string{"country", "city", "browser", "os", "browserLanguage", "groupId", "marketingConsent", "termsOfServiceConsent"}

// readClient reads the visitor. info combines the three other objects, which are used only for what it lacks.
func (p *payload) readClient(o *source.Object) {
	p.language = o.Text(maxName, "chatLanguage", "conversationLanguage", "browserLanguage")
	p.custom = make(map[string]string)
	for _, name := range facts {
		if value := o.Text(maxName, name); value != "" {
			p.custom[name] = value
		}
	}
	if link := o.Text(maxName, "chatLink", "conversationLink"); link != "" {
		p.custom["chatLink"] = link
	}
	v := &visitor{ID: o.ID("id")}
	for _, name := range []string{"info", "basicInfo", "customFormData", "integrationData"} {
		info := o.Object(name)
		if v.FirstName == "" {
			given, family, _ := strings.Cut(strings.TrimSpace(info.Text(maxName, "name")), " ")
			v.FirstName, v.LastName = given, strings.TrimSpace(family)
		}
		if v.Email == "" {
			v.Email = info.Text(maxName, "email")
		}
		if v.Phone == "" {
			v.Phone = info.Text(maxName, "phone")
		}
		info.Custom(p.custom, "name", "email", "phone")
	}
	if v.ID != "" {
		p.visitor = v
	}
}

// readPlace reads the page on which the chat began.
func (p *payload) readPlace(o *source.Object) {
	if host := o.Text(maxName, "hostName"); host != "" {
		p.custom["hostName"] = host
	}
	const page, brevo = "chatStartedPage", "conversationStartPage"
	var link string
	if name := page; o.Has(page) || o.Has(brevo) {
		if !o.Has(page) {
			name = brevo
		}
		if o.IsObject(name) {
			link = o.Object(name).Text(4<<10, "link", "url")
		} else {
			link = o.Text(4<<10, name)
		}
	}
	// The part after the path may contain personal data.
	if u, err := url.Parse(link); err == nil && link != "" {
		u.RawQuery, u.Fragment, u.User = "", "", nil
		p.custom[page], _ = source.Cut(u.String(), 4<<10)
	}
}

// ordered sorts messages by time and keeps each id once.
func ordered(messages []message) []message {
	seen := make(map[string]bool, len(messages))
	messages = slices.DeleteFunc(slices.Clone(messages), func(m message) bool {
		again := seen[m.id]
		seen[m.id] = true
		return again
	})
	slices.SortStableFunc(messages, func(a, b message) int { return int(a.at - b.at) })
	return messages
}

// early is how long before the first message by a person an automatic one may be sent and still
// belong to the same conversation.
const early = 30 * time.Minute

// withoutEarly removes automatic messages that stayed unanswered for long: the conversation did not
// begin with them. If all are automatic, the last one counts as the answer.
func withoutEarly(messages []message) []message {
	begin := start(messages) - schema.Timestamp(early.Milliseconds())
	if !slices.ContainsFunc(messages, func(m message) bool { return m.personal() }) {
		begin = last(messages) - schema.Timestamp(early.Milliseconds())
	}
	return slices.DeleteFunc(messages, func(m message) bool { return m.at < begin })
}

// start is the moment that identifies a conversation of these messages: that of the first message
// by a person, or of the first message if all are automatic.
func start(messages []message) schema.Timestamp {
	for i := range messages {
		if messages[i].personal() {
			return messages[i].at
		}
	}
	return messages[0].at
}

func first(messages []message) schema.Timestamp { return messages[0].at }
func last(messages []message) schema.Timestamp  { return messages[len(messages)-1].at }

// channels maps the values of receivedFrom.
var channels = []struct{ part, channel string }{
	{"facebook", "FACEBOOK"}, {"instagram", "INSTAGRAM"}, {"whatsapp", "WHATSAPP"}, {"email", "EMAIL"}, {"sms", "SMS"},
}

// channelOf returns the channel of the first message.
func channelOf(messages []message) string {
	from := strings.ToLower(messages[0].received)
	for _, c := range channels {
		if strings.Contains(from, c.part) {
			return c.channel
		}
	}
	return "CHAT"
}
