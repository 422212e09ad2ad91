package chatra

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// Source is the source of every event that comes from Chatra.
const Source = "chatra"

// namespace is the namespace of the conversation ids, itself a UUID of version
// 5.
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://chatra.com/#conversations-of-parley"))

// conversationID names a conversation by project, thread and start.
func conversationID(project schema.ProjectID, chat string, start schema.Timestamp) schema.ConversationID {
	name := strconv.Itoa(int(project)) + "\n" + chat + "\n" + strconv.FormatInt(int64(start), 10)
	return schema.ConversationID(uuid.NewSHA1(namespace, []byte(name)).String())
}

type (
	visitor struct {
		ID        string `json:"id"`
		FirstName string `json:"firstName,omitempty"`
		LastName  string `json:"lastName,omitempty"`
		Email     string `json:"email,omitempty"`
		Phone     string `json:"phone,omitempty"`
	}
	opening struct {
		Channel    string            `json:"channel"`
		Language   string            `json:"language,omitempty"`
		Initiator  string            `json:"initiator,omitempty"`
		Visitor    *visitor          `json:"visitor,omitempty"`
		CustomData map[string]string `json:"customData,omitempty"`
		ExternalID string            `json:"externalId"` // the thread; not a member of the contract
	}
	operator struct {
		ID         schema.OperatorID `json:"id"`
		Kind       schema.UserKind   `json:"kind"`
		Name       string            `json:"name,omitempty"`
		Email      string            `json:"email,omitempty"`
		ExternalID string            `json:"externalId"` // no member of the contract
	}
	author struct {
		Kind       schema.UserKind `json:"kind"`
		ID         any             `json:"id,omitempty"`
		ExternalID string          `json:"externalId,omitempty"` // no member of the contract
	}
	said struct {
		MessageID string  `json:"messageId"`
		Author    author  `json:"author"`
		Automatic bool    `json:"automatic,omitempty"`
		Text      *string `json:"text,omitempty"`
	}
)

// write creates the events of all conversations in the payloads.
func (s shares) write(hook *webhook.Hook, t *thread) [][]byte {
	var events [][]byte
	for _, name := range slices.Sorted(maps.Keys(s)) {
		events = append(events, s[name].write(hook, t.named(name))...)
	}
	return events
}

// write creates the events of one conversation, in order.
func (s *share) write(hook *webhook.Hook, c *conversation) [][]byte {
	id := conversationID(hook.Project, s.payloads[0].chat, c.Start)
	var events [][]byte
	add := func(kind schema.Type, at schema.Timestamp, name string, data any) {
		event := source.Event{
			ID: name, Source: Source, Type: kind, Time: at, Conversation: id, Project: hook.Project, Data: data,
		}
		events = append(events, event.Encode())
	}
	messages := ordered(s.messages)
	for _, p := range s.whole {
		o := p.opening(messages)
		add(schema.TypeOpened, c.Start, fmt.Sprintf("opened:%s:%s:%s", id, p.rank(messages), source.Digest(o)), o)
	}
	closes := s.end > 0 && c.close(messages, s.end)
	for i := range messages {
		m := &messages[i]
		if m.byAgent() {
			if n, pushed := c.push(m.agent, m.at); pushed {
				add(schema.TypePushed, m.at, pushedID(id, m, n), map[string]any{"toUser": s.operator(m)})
			}
		}
		add(schema.TypeMessage, m.at, "message:"+string(id)+":"+source.Short(m.id), said{
			MessageID: m.id, Author: s.author(m), Automatic: m.automatic, Text: m.text,
		})
	}
	if closes {
		add(schema.TypeClosed, s.end, fmt.Sprintf("closed:%s:%d", id, int64(s.end)), struct{}{})
	}
	return events
}

// pushedID identifies the push after n others to the same agent.
func pushedID(id schema.ConversationID, m *message, n int) string {
	name := "pushed:" + string(id) + ":" + source.Short(m.agent)
	if n > 0 {
		name += ":" + strconv.FormatInt(int64(m.at), 10)
	}
	return name
}

func operatorID(agent string) schema.OperatorID { return source.OperatorID("chatra", agent) }

// operator returns what the payloads contain about the agent who wrote a message.
func (s *share) operator(m *message) operator {
	o := operator{ID: operatorID(m.agent), Kind: schema.KindProfessional, ExternalID: m.agent}
	for _, p := range s.payloads {
		known := p.agents[m.agent]
		o.Name, o.Email = cmp.Or(o.Name, known.name), cmp.Or(o.Email, known.email)
	}
	o.Name = cmp.Or(o.Name, m.agentName)
	return o
}

func (s *share) author(m *message) author {
	switch v := s.payloads[0].visitor; {
	case m.author == schema.KindVisitor && v != nil:
		return author{Kind: m.author, ID: v.ID}
	case m.author == schema.KindProfessional:
		return author{Kind: m.author, ID: operatorID(m.agent), ExternalID: m.agent}
	default:
		return author{Kind: m.author}
	}
}

// known counts the known facts about the visitor: the payload with most comes first.
func (v *visitor) known() int {
	n := 0
	if v == nil {
		return n
	}
	for _, member := range []string{v.ID, v.FirstName, v.LastName, v.Email, v.Phone} {
		if member != "" {
			n++
		}
	}
	return n
}

// rank sorts payloads of a conversation: the one with most facts first, and of equals the one with
// an earlier beginning.
func (p *payload) rank(messages []message) string {
	return fmt.Sprintf("%d:%03d:%d", 9-p.visitor.known(), 999-len(p.custom), int64(start(messages)))
}

func (p *payload) opening(messages []message) *opening {
	o := &opening{
		Channel: channelOf(messages), Language: p.language, Initiator: "VISITOR", Visitor: p.visitor, CustomData: p.custom, ExternalID: p.chat,
	}
	for i := range messages {
		if messages[i].personal() {
			if messages[i].author != schema.KindVisitor {
				o.Initiator = "OPERATOR"
			}
			break
		}
	}
	return o
}
