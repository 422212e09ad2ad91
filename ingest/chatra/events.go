package chatra

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// Source is the source of every event that comes from Chatra.
const Source = "chatra"

// namespace is that of the conversation ids, itself a UUID of version 5.
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://chatra.com/#conversations-of-parley"))

// conversationID names a conversation by project, thread and start.
func conversationID(project schema.ProjectID, chat string, start schema.Timestamp) schema.ConversationID {
	name := strconv.Itoa(int(project)) + "\n" + chat + "\n" + strconv.FormatInt(int64(start), 10)
	return schema.ConversationID(uuid.NewSHA1(namespace, []byte(name)).String())
}

type (
	visitor struct {
		ID         string `json:"id"`
		ExternalID string `json:"externalId,omitempty"`
		FirstName  string `json:"firstName,omitempty"`
		LastName   string `json:"lastName,omitempty"`
		Email      string `json:"email,omitempty"`
		Phone      string `json:"phone,omitempty"`
	}
	opening struct {
		Channel    string            `json:"channel"`
		Initiator  string            `json:"initiator,omitempty"`
		Visitor    *visitor          `json:"visitor,omitempty"`
		CustomData map[string]string `json:"customData,omitempty"`
		ExternalID string            `json:"externalId"` // the thread; no member of the contract
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

// write makes the events of messages of a conversation, in order. opened says
// that the payload tells of the conversation as a whole, closed that it ends it.
func write(hook *webhook.Hook, p *payload, c *conversation, messages []message, opened, closed bool) [][]byte {
	id := conversationID(hook.Project, p.Client.ChatID, c.Start)
	var events [][]byte
	add := func(kind schema.Type, at schema.Timestamp, name string, data any) {
		event := source.Event{
			ID: name, Source: Source, Type: kind, Time: at, Conversation: id, Project: hook.Project, Data: data,
		}
		events = append(events, event.Encode())
	}
	if opened {
		o := p.opening(messages)
		add(schema.TypeOpened, c.Start, fmt.Sprintf("opened:%s:%d:%s", id, 9-o.Visitor.known(), source.Digest(o)), o)
	}
	for i := range messages {
		m := &messages[i]
		if m.byAgent() && m.AgentID != "" && !m.automatic() && c.push(m.AgentID, m.at()) {
			known := p.agentOf(m.AgentID)
			if known.Name == "" {
				known.Name = m.AgentName
			}
			add(schema.TypePushed, m.at(), "pushed:"+string(id)+":"+m.AgentID, map[string]any{"toUser": operator{
				ID: operatorID(m.AgentID), Kind: schema.KindProfessional, Name: known.Name, Email: known.Email, ExternalID: m.AgentID,
			}})
		}
		add(schema.TypeMessage, m.at(), "message:"+string(id)+":"+m.ID, said{
			MessageID: m.ID, Author: p.author(m), Automatic: m.automatic(), Text: m.Text,
		})
	}
	if closed {
		add(schema.TypeClosed, c.To, fmt.Sprintf("closed:%s:%d", id, int64(c.To)), struct{}{})
	}
	return events
}

func operatorID(agent string) schema.OperatorID { return source.OperatorID("chatra", agent) }

func (p *payload) author(m *message) author {
	switch {
	case !m.byAgent() && p.Client.ID == "":
		return author{Kind: schema.KindVisitor}
	case !m.byAgent():
		return author{Kind: schema.KindVisitor, ID: p.Client.ID}
	case m.AgentID == "": // sent in nobody's name
		return author{Kind: schema.KindBot}
	default:
		return author{Kind: schema.KindProfessional, ID: operatorID(m.AgentID), ExternalID: m.AgentID}
	}
}

// known counts what is known of the visitor: who tells most comes first.
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

func (p *payload) opening(messages []message) *opening {
	o := &opening{Channel: p.channel(), Initiator: "VISITOR", ExternalID: p.Client.ChatID, CustomData: map[string]string{}}
	for i := range messages {
		if messages[i].automatic() {
			continue
		}
		if messages[i].byAgent() {
			o.Initiator = "OPERATOR"
		}
		break
	}
	if p.HostName != "" {
		o.CustomData["hostName"] = p.HostName
	}
	if page := p.page(); page != "" {
		o.CustomData["chatStartedPage"] = page
	}
	if p.Client.ID != "" {
		given, family, _ := strings.Cut(strings.TrimSpace(p.Client.Name), " ")
		o.Visitor = &visitor{
			ID: p.Client.ID, FirstName: given, LastName: strings.TrimSpace(family), Email: p.Client.Email, Phone: p.Client.Phone,
		}
	}
	return o
}
