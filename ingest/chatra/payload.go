package chatra

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// kind is what a payload is about.
type kind string

const (
	chatStarted    kind = "chatStarted"
	chatFragment   kind = "chatFragment"
	chatTranscript kind = "chatTranscript"
)

// payload has the members of all webhooks that are used.
type payload struct {
	EventName string `json:"eventName"`
	Event     string `json:"event"`
	EventType string `json:"eventType"`
	Type      string `json:"type"`

	Client   client    `json:"client"`
	Message  *message  `json:"message"`
	Messages []message `json:"messages"`
	Agent    *agent    `json:"agent"`
	Agents   []agent   `json:"agents"`

	HostName string          `json:"hostName"`
	Page     json.RawMessage `json:"chatStartedPage"` // an address, or an object with a link
}

// client is the visitor. ChatID names the thread.
type client struct {
	ID     string `json:"id"`
	ChatID string `json:"chatId"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Phone  string `json:"phone"`
}

type agent struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type message struct {
	ID           string         `json:"id"`
	Type         string         `json:"type"` // client or agent
	Text         *string        `json:"text"`
	CreatedAt    *source.Moment `json:"createdAt"`
	AgentID      string         `json:"agentId"`
	AgentName    string         `json:"agentName"`
	IsTrigger    bool           `json:"isTrigger"`
	IsPushed     bool           `json:"isPushed"`
	ReceivedFrom string         `json:"receivedFrom"`
}

func (m *message) automatic() bool      { return m.IsTrigger || m.IsPushed }
func (m *message) at() schema.Timestamp { return m.CreatedAt.Timestamp }
func (m *message) byAgent() bool        { return m.Type == "agent" }

// read checks a payload and puts its messages in order. The kind is empty for
// one that is none of the three.
func read(body []byte) (*payload, kind, error) {
	p := new(payload)
	if err := json.Unmarshal(body, p); err != nil {
		return nil, "", &webhook.MalformedError{Rule: "the body must be one JSON object, with members of their types"}
	}
	of := kind(p.EventName)
	for _, name := range []string{p.Event, p.EventType, p.Type} {
		if of == "" {
			of = kind(name)
		}
	}
	switch of {
	case chatStarted:
		if p.Message == nil {
			return nil, of, required("message")
		}
		p.Messages = []message{*p.Message}
	case chatFragment, chatTranscript:
		if len(p.Messages) == 0 {
			return nil, of, required("messages")
		}
	case "":
		return nil, "", required("eventName")
	default:
		return p, "", nil
	}
	if p.Client.ChatID == "" {
		return nil, of, required("client.chatId")
	}
	for i := range p.Messages {
		m := &p.Messages[i]
		switch {
		case m.ID == "":
			return nil, of, required("messages.id")
		case m.CreatedAt == nil:
			return nil, of, required("messages.createdAt")
		case m.Type != "client" && m.Type != "agent":
			return nil, of, &webhook.MalformedError{Field: "messages.type", Rule: "must be client or agent"}
		case m.at() < 0 || m.at() >= latest:
			return nil, of, &webhook.MalformedError{Field: "messages.createdAt", Rule: "must be Unix milliseconds from 1970 to 2199"}
		}
	}
	p.Messages = ordered(p.Messages)
	return p, of, nil
}

// latest is the first moment that no event can have.
const latest schema.Timestamp = 7_258_118_400_000

func required(field string) error { return &webhook.MalformedError{Field: field, Rule: "is required"} }

// ordered sorts messages by time and takes each id once.
func ordered(messages []message) []message {
	seen := make(map[string]bool, len(messages))
	messages = slices.DeleteFunc(slices.Clone(messages), func(m message) bool {
		again := seen[m.ID]
		seen[m.ID] = true
		return again
	})
	slices.SortStableFunc(messages, func(a, b message) int { return int(a.at() - b.at()) })
	return messages
}

// start is the moment that a conversation of these messages is named after: of
// the first one that is not automatic, for a proactive message may come before
// chatStarted; of the first where all are.
func start(messages []message) schema.Timestamp {
	for i := range messages {
		if !messages[i].automatic() {
			return messages[i].at()
		}
	}
	return messages[0].at()
}

func first(messages []message) schema.Timestamp { return messages[0].at() }
func last(messages []message) schema.Timestamp  { return messages[len(messages)-1].at() }

// page is the address on which the chat began, without what follows the path:
// queries tend to hold personal data.
func (p *payload) page() string {
	var link string
	if json.Unmarshal(p.Page, &link) != nil {
		var object struct {
			Link string `json:"link"`
			URL  string `json:"url"`
		}
		_ = json.Unmarshal(p.Page, &object) // whatever else it is, it is no link
		if link = object.Link; link == "" {
			link = object.URL
		}
	}
	u, err := url.Parse(link)
	if err != nil || link == "" {
		return ""
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

// channel is where the first message came from.
func (p *payload) channel() string {
	from := strings.ToLower(p.Messages[0].ReceivedFrom)
	for name, channel := range map[string]string{
		"facebook": "FACEBOOK", "instagram": "INSTAGRAM", "whatsapp": "WHATSAPP", "email": "EMAIL", "sms": "SMS",
	} {
		if strings.Contains(from, name) {
			return channel
		}
	}
	return "CHAT"
}

// agentOf finds what the payload says of an agent.
func (p *payload) agentOf(id string) agent {
	all := p.Agents
	if p.Agent != nil {
		all = append([]agent{*p.Agent}, all...)
	}
	for _, a := range all {
		if a.ID == id {
			return a
		}
	}
	return agent{ID: id}
}

// compact is the payload on one line, as it is kept while it waits.
func compact(body []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, body) != nil {
		return body
	}
	return out.Bytes()
}
