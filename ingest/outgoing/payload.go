package outgoing

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

type (
	payload struct {
		EventName            Kind      `json:"eventName"`
		Message              *message  `json:"message,omitempty"`
		Messages             []message `json:"messages,omitempty"`
		OfflineMessagesCount *int      `json:"offlineMessagesCount,omitempty"`
		Agent                *agent    `json:"agent,omitempty"`
		Agents               *[]agent  `json:"agents,omitempty"`
		Client               client    `json:"client"`
		HostName             string    `json:"hostName,omitempty"`
		ChatStartedPage      *page     `json:"chatStartedPage,omitempty"`
	}
	message struct {
		ID               string `json:"id"`
		Type             string `json:"type"`
		Text             string `json:"text"`
		CreatedAt        int64  `json:"createdAt"`
		AgentID          string `json:"agentId,omitempty"`
		AgentName        string `json:"agentName,omitempty"`
		IsTrigger        bool   `json:"isTrigger,omitempty"`
		IsMissed         bool   `json:"isMissed,omitempty"`
		IsMissedByClient bool   `json:"isMissedByClient,omitempty"`
	}
	agent struct {
		ID    string `json:"id"`
		Name  string `json:"name,omitempty"`
		Email string `json:"email,omitempty"`
	}
	client struct {
		ID                    string            `json:"id"`
		ChatID                string            `json:"chatId"`
		ChatLink              string            `json:"chatLink,omitempty"`
		GroupID               string            `json:"groupId,omitempty"`
		IP                    string            `json:"ip,omitempty"`
		BrowserLanguage       string            `json:"browserLanguage,omitempty"`
		ChatLanguage          string            `json:"chatLanguage,omitempty"`
		Browser               string            `json:"browser,omitempty"`
		OS                    string            `json:"os,omitempty"`
		Country               string            `json:"country,omitempty"`
		City                  string            `json:"city,omitempty"`
		DisplayedName         string            `json:"displayedName,omitempty"`
		BasicInfo             map[string]string `json:"basicInfo"`
		CustomFormData        map[string]string `json:"customFormData"`
		IntegrationData       map[string]string `json:"integrationData"`
		Info                  map[string]string `json:"info"`
		MarketingConsent      *bool             `json:"marketingConsent,omitempty"`
		TermsOfServiceConsent *bool             `json:"termsOfServiceConsent,omitempty"`
	}
	page struct {
		Link string `json:"link"`
	}
)

// erasedPrefix is the prefix of the id of a visitor whose data was erased.
const erasedPrefix = "erased-"

// erased reports whether the personal data of the conversation was erased. Its events are then in
// the log again, redacted: nothing is sent for them.
func erased(records []schema.Record, rows *fold.Rows) bool {
	return strings.HasPrefix(visitorID(rows), erasedPrefix) ||
		slices.ContainsFunc(records, func(r schema.Record) bool { return r.Event.Origin != 0 })
}

func visitorID(rows *fold.Rows) string {
	if v := rows.Conversation.Visitor; v != nil && v.ID != "" {
		return v.ID
	}
	for i := range rows.Messages {
		if m := &rows.Messages[i]; m.AuthorKind == schema.KindVisitor && m.AuthorID != nil {
			return *m.AuthorID
		}
	}
	return ""
}

// render makes the payload of a delivery from the events of its conversation, in log
// order; nil if the event that it is about is gone.
func render(d *Delivery, records []schema.Record, rows *fold.Rows, customer *fold.Customer) ([]byte, error) {
	if erased(records, rows) || !has(records, d.Sequence) {
		return nil, nil
	}
	chat := chat{rows: rows, users: make(map[string]schema.User)}
	for _, u := range rows.Conversation.Users {
		chat.users[strconv.FormatInt(int64(u.ID), 10)] = u
	}
	p := payload{EventName: d.Event}
	chat.describe(&p, customer)
	switch d.Event {
	case ChatStarted:
		all := chat.messages(func(m *fold.Message) bool { return !m.Automatic && m.AuthorKind != schema.KindBot })
		if len(all) > 0 {
			p.Message = &all[0]
		}
		if agents := chat.agents(all[:min(1, len(all))]); len(agents) > 0 {
			p.Agent = &agents[0]
		}
	case ChatFragment:
		part := fragment(records, d.Sequence)
		p.Messages = chat.messages(func(m *fold.Message) bool { return part[m.ID] })
	case ChatTranscript:
		p.Messages = chat.messages(func(*fold.Message) bool { return true })
		missed := chat.markMissed(p.Messages)
		p.OfflineMessagesCount = &missed
	}
	if p.Message == nil && p.Messages == nil {
		return nil, nil // an earlier event has made the message an automatic one
	}
	if p.Messages != nil {
		agents := chat.agents(p.Messages)
		p.Agents = &agents
	}
	return json.Marshal(p)
}

func has(records []schema.Record, sequence schema.Sequence) bool {
	for i := range records {
		if records[i].Sequence == sequence {
			return true
		}
	}
	return false
}

// chat writes parts of a payload.
type chat struct {
	rows  *fold.Rows
	users map[string]schema.User // by id in digits
}

// messages returns the selected messages, in the order of the thread.
func (c *chat) messages(wanted func(*fold.Message) bool) []message {
	var all []message
	for i := range c.rows.Messages {
		if m := &c.rows.Messages[i]; wanted(m) {
			all = append(all, c.message(m))
		}
	}
	return all
}

func (c *chat) message(m *fold.Message) message {
	out := message{ID: m.ID, Type: "client", Text: text(m.Text), CreatedAt: int64(m.SentAt), IsTrigger: m.Automatic}
	if m.AuthorKind == schema.KindVisitor {
		return out
	}
	out.Type = "agent"
	if m.AuthorID != nil {
		out.AgentName = text(c.users[*m.AuthorID].Name)
		if m.AuthorKind != schema.KindBot { // without an agent's id it is by a bot
			out.AgentID = *m.AuthorID
		}
	}
	return out
}

// markMissed marks messages that the other side has neither read nor written after, and counts
// those that agents have missed.
func (c *chat) markMissed(all []message) int {
	missed, agentWrote, clientWrote := 0, false, false
	for i := len(all) - 1; i >= 0; i-- { // of all messages, so that the indexes agree
		m, row := &all[i], &c.rows.Messages[i]
		switch {
		case m.Type == "client":
			clientWrote = true
			if m.IsMissed = !agentWrote && row.ReadAt == nil; m.IsMissed {
				missed++
			}
		case !m.IsTrigger:
			agentWrote = true
			m.IsMissedByClient = !clientWrote && row.ReadAt == nil
		}
	}
	return missed
}

// agents returns the agents that wrote messages.
func (c *chat) agents(all []message) []agent {
	agents, seen := []agent{}, make(map[string]bool)
	for i := range all {
		id := all[i].AgentID
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		u := c.users[id]
		agents = append(agents, agent{ID: id, Name: text(u.Name), Email: text(u.Email)})
	}
	return agents
}

// describe writes the known facts about the visitor and the chat.
func (c *chat) describe(p *payload, customer *fold.Customer) {
	conversation := &c.rows.Conversation
	out := &p.Client
	*out = client{
		ID: visitorID(c.rows), ChatID: string(conversation.Conversation), ChatLanguage: text(conversation.Language),
		BasicInfo: map[string]string{}, CustomFormData: map[string]string{}, IntegrationData: map[string]string{}, Info: map[string]string{},
	}
	if n := len(conversation.Routing); n > 0 && conversation.Routing[n-1].Group != nil {
		out.GroupID = conversation.Routing[n-1].Group.ID
	}
	if v := conversation.Visitor; v != nil {
		out.basic(v.FirstName, v.LastName, v.Email, v.Phone, nil)
	}
	for _, value := range conversation.CustomData {
		c.custom(p, value)
	}
	if customer != nil {
		out.basic(customer.FirstName, customer.LastName, customer.Email, customer.Phone, customer.Notes)
		for _, value := range customer.CustomData {
			out.IntegrationData[value.Key] = value.Value
		}
		for _, member := range customer.Cleared {
			delete(out.BasicInfo, map[string]string{"firstName": "name", "email": "email", "phone": "phone", "notes": "notes"}[member])
		}
		out.IP = text(customer.IPAddress)
	}
	for _, from := range []map[string]string{out.IntegrationData, out.BasicInfo} { // the second takes precedence
		for name, value := range from {
			out.Info[name] = value
		}
	}
	out.DisplayedName = out.Info["name"]
}

// basic copies the given values.
func (c *client) basic(first, last, email, phone, notes *string) {
	if name := strings.TrimSpace(text(first) + " " + text(last)); name != "" {
		c.BasicInfo["name"] = name
	}
	for member, value := range map[string]*string{"email": email, "phone": phone, "notes": notes} {
		if value != nil {
			c.BasicInfo[member] = *value
		}
	}
}

// custom puts a value where Chatra has it: names that its webhooks map to custom data go to their
// original place instead of integrationData.
func (c *chat) custom(p *payload, value schema.CustomValue) {
	out := &p.Client
	members := map[string]*string{
		"country": &out.Country, "city": &out.City, "browser": &out.Browser, "os": &out.OS, "browserLanguage": &out.BrowserLanguage,
		"groupId": &out.GroupID, "chatLink": &out.ChatLink, "hostName": &p.HostName,
	}
	consents := map[string]**bool{"marketingConsent": &out.MarketingConsent, "termsOfServiceConsent": &out.TermsOfServiceConsent}
	if member, known := members[value.Key]; known {
		*member = value.Value
		return
	}
	if consent, known := consents[value.Key]; known {
		given := value.Value == "true"
		*consent = &given
		return
	}
	switch value.Key {
	case "chatStartedPage":
		p.ChatStartedPage = &page{value.Value}
	case "notes":
		out.BasicInfo["notes"] = value.Value
	default:
		out.IntegrationData[value.Key] = value.Value
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
