package chatra

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Source is the source of every event of this package.
const Source = "chatra-api"

// Message is a message in a response.
type Message struct {
	ID           string `json:"id"`
	Type         string `json:"type"` // agent or client
	Text         string `json:"text"`
	ClientID     string `json:"clientId"`
	AgentID      string `json:"agentId,omitempty"`
	CreatedAt    int64  `json:"createdAt"` // in milliseconds
	ReceivedFrom string `json:"receivedFrom,omitempty"`
	IsPushed     bool   `json:"isPushed,omitempty"`
}

// The data of events. ExternalID, receivedFrom and request are not members of the contract: they
// are kept only in the archived event.
type (
	opening struct {
		Channel    string  `json:"channel"`
		Initiator  string  `json:"initiator"`
		Visitor    visitor `json:"visitor"`
		ExternalID string  `json:"externalId"` // the chat
	}
	visitor struct {
		ID string `json:"id"`
	}
	operator struct {
		ID         schema.OperatorID `json:"id"`
		Kind       schema.UserKind   `json:"kind"`
		Name       string            `json:"name,omitempty"`
		Email      string            `json:"email,omitempty"`
		ExternalID string            `json:"externalId"`
	}
	author struct {
		Kind       schema.UserKind `json:"kind"`
		ID         json.RawMessage `json:"id,omitempty"`
		ExternalID string          `json:"externalId,omitempty"`
	}
	said struct {
		MessageID    string  `json:"messageId"`
		Author       author  `json:"author"`
		Automatic    bool    `json:"automatic,omitempty"`
		Text         *string `json:"text,omitempty"`
		ReceivedFrom string  `json:"receivedFrom,omitempty"`
		Request      string  `json:"request,omitempty"` // digest, where the sender may repeat it
	}
	deletion struct {
		MessageID string `json:"messageId"`
	}
)

// found is a message that was looked up.
type found struct {
	Message
	key  schema.ConversationKey
	said said             // what a later event has to repeat
	last schema.Timestamp // time of its last event
}

// mostVersions is the maximum number of texts read of one message.
const mostVersions = 1000

// find looks a message up; a deleted one is not found.
func (h *Handler) find(ctx context.Context, scope query.Scope, id string) (*found, error) {
	row, err := h.config.Tables.MessageByID(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if row == nil || row.Deleted {
		return nil, errMessage()
	}
	f := &found{
		Message: Message{ID: id, Type: "agent", CreatedAt: row.SentAt},
		key:     schema.ConversationKey{Project: scope.Projects.IDs[0], Conversation: schema.ConversationID(row.Conversation)},
		last:    schema.Timestamp(row.SentAt),
	}
	if row.Visitor != nil {
		f.ClientID = *row.Visitor
	}
	f.IsPushed = row.Automatic
	if row.AuthorKind == string(schema.KindVisitor) {
		f.Type, f.IsPushed = "client", false
	} else if row.AuthorID != nil {
		f.AgentID = *row.AuthorID
	}
	rows, err := h.config.Tables.MessageEvents(ctx, scope, f.key, id, mostVersions)
	if err != nil {
		return nil, err
	}
	f.read(rows)
	return f, nil
}

// read applies the events of the message, in order.
func (f *found) read(rows []query.EventRow) {
	records := make([]schema.Record, 0, len(rows))
	originals := make(map[schema.Sequence]string, len(rows))
	for i := range rows {
		record, fault := rows[i].Record()
		if fault != nil {
			continue // the fold also leaves it out
		}
		records = append(records, record)
		originals[record.Sequence] = rows[i].Original
	}
	for i, record := range schema.InOrder(records) {
		var event struct {
			Data said `json:"data"`
		}
		_ = json.Unmarshal([]byte(originals[record.Sequence]), &event) // it was decoded
		if i == 0 {
			f.said = event.Data
		}
		if event.Data.Text != nil {
			f.Text = *event.Data.Text
		}
		f.last = max(f.last, record.Event.Time)
	}
	if f.Type == "agent" && f.said.Author.ExternalID != "" {
		f.AgentID = f.said.Author.ExternalID
	}
	f.ReceivedFrom = f.said.ReceivedFrom
}

// message answers a GET. Of the pushed messages, others are not found.
func (h *Handler) message(ctx context.Context, who caller, id string, pushed bool) (any, error) {
	scope, err := h.fresh(ctx, who)
	if err != nil {
		return nil, err
	}
	f, err := h.find(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if pushed && !f.IsPushed {
		return nil, errMessage()
	}
	return f.Message, nil
}

// changeable finds a message that may be edited through a resource.
func (h *Handler) changeable(ctx context.Context, who caller, id string, pushed bool) (*found, error) {
	scope, err := h.fresh(ctx, who)
	if err != nil {
		return nil, err
	}
	f, err := h.find(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if f.Type != "agent" || f.IsPushed != pushed {
		return nil, errForeign()
	}
	return f, nil
}

// edit answers a PUT: the text is replaced.
func (h *Handler) edit(ctx context.Context, who caller, id string, body fields, pushed bool) (any, error) {
	text, err := body.needed("text", maxText)
	if err != nil {
		return nil, err
	}
	f, err := h.changeable(ctx, who, id, pushed)
	if err != nil {
		return nil, err
	}
	f.said.Text, f.Text = &text, text
	err = h.config.Log.Append(ctx, who.project, []Event{{
		ID: "edited:" + short(id) + ":" + rand.Text(), Type: schema.TypeMessage, Time: h.after(f.last), Subject: f.key.Conversation, Data: f.said,
	}})
	return f.Message, err
}

// remove answers a DELETE with what was deleted.
func (h *Handler) remove(ctx context.Context, who caller, id string, pushed bool) (any, error) {
	f, err := h.changeable(ctx, who, id, pushed)
	if err != nil {
		return nil, err
	}
	err = h.config.Log.Append(ctx, who.project, []Event{{
		ID: "deleted:" + string(f.key.Conversation) + ":" + short(id), Type: schema.TypeDeleted, Time: h.after(f.last),
		Subject: f.key.Conversation, Data: deletion{id},
	}})
	return f.Message, err
}

// after is now, and later than a moment.
func (h *Handler) after(last schema.Timestamp) schema.Timestamp {
	return max(schema.TimestampOf(h.config.Now()), last+1)
}

// maxKey bounds an Idempotency-Key.
const maxKey = 256

// send answers a POST. With an Idempotency-Key, the message's id is derived from the key and the
// sender, and a repeat is answered from the log like the first request.
func (h *Handler) send(ctx context.Context, who caller, header http.Header, body fields, pushed bool) (any, error) {
	m, err := readMessage(body, pushed)
	if err != nil {
		return nil, err
	}
	id, request := short(rand.Text()), ""
	keys := header.Values("Idempotency-Key")
	if len(keys) > 0 {
		if key := keys[0]; len(keys) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, refuse(http.StatusBadRequest, "Idempotency-Key must be one value of 1 to 256 printable characters")
		}
		text, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		id, request = short("idempotency key", fmt.Sprint(who.project), who.id, keys[0]), digest(text)
	}
	scope, err := h.fresh(ctx, who)
	if err != nil {
		return nil, err
	}
	if request != "" {
		sent, err := h.repeated(ctx, scope, id, request)
		var missing *problem
		if err == nil || !errors.As(err, &missing) || missing.Status != http.StatusNotFound {
			return sent, err
		}
	}
	at := schema.TimestampOf(h.config.Now())
	events, err := h.sending(ctx, who, scope, m, at)
	if err != nil {
		return nil, err
	}
	message := &events[len(events)-1]
	data := message.Data.(said)
	data.MessageID, data.Request = id, request
	message.ID, message.Data = "message:"+id, data
	if err := h.config.Log.Append(ctx, who.project, events); err != nil {
		return nil, err
	}
	if request == "" {
		return Message{
			ID: id, Type: "agent", Text: m.Text, ClientID: m.Client, AgentID: m.Agent, CreatedAt: int64(at), ReceivedFrom: m.ReceivedFrom, IsPushed: pushed,
		}, nil
	}
	if scope, err = h.fresh(ctx, who); err != nil {
		return nil, err
	}
	return h.repeated(ctx, scope, id, request)
}

// repeated finds the message of an Idempotency-Key.
func (h *Handler) repeated(ctx context.Context, scope query.Scope, id, request string) (any, error) {
	f, err := h.find(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	if f.said.Request != "" && f.said.Request != request {
		return nil, refuse(http.StatusUnprocessableEntity, "Idempotency-Key belongs to another request")
	}
	return f.Message, nil
}

// sending creates the events of a new message, which is the last of them and has no id yet.
func (h *Handler) sending(ctx context.Context, sender caller, scope query.Scope, m *asked, at schema.Timestamp) ([]Event, error) {
	chat, opens, err := h.chatFor(ctx, sender, scope, m)
	if err != nil {
		return nil, err
	}
	id := schema.ConversationID(chat.Conversation)
	var events []Event
	if opens {
		events = append(events, Event{
			ID: "opened:" + string(id), Type: schema.TypeOpened, Time: at, Subject: id,
			Data: opening{
				Channel: "CHAT", Initiator: "OPERATOR", Visitor: visitor{m.Client},
				ExternalID: short("chat", fmt.Sprint(sender.project), m.Client),
			},
		})
	}
	who := operator{ID: h.config.Operator("chatra", m.Agent), Kind: schema.KindProfessional, Name: m.Name, Email: m.Email, ExternalID: m.Agent}
	if m.Standing {
		who.Kind = schema.KindBot
	}
	if !m.Pushed && schema.OperatorID(chat.Operator) != who.ID {
		events = append(events, Event{
			ID: fmt.Sprintf("pushed:%s:%d:%d", id, who.ID, chat.Contacts), Type: schema.TypePushed, Time: at, Subject: id,
			Data: map[string]operator{"toUser": who},
		})
	}
	return append(events, Event{
		Type: schema.TypeMessage, Time: at, Subject: id,
		Data: said{
			Author:    author{Kind: who.Kind, ID: json.RawMessage(fmt.Sprint(who.ID)), ExternalID: m.Agent},
			Automatic: m.Pushed, Text: &m.Text, ReceivedFrom: m.ReceivedFrom,
		},
	}), nil
}

// chatFor returns the chat that a message belongs to; opens reports that it must be opened.
func (h *Handler) chatFor(ctx context.Context, sender caller, scope query.Scope, m *asked) (chat *ChatRow, opens bool, err error) {
	for before := uint64(0); ; before++ { // conversations of the client
		latest, err := h.config.Tables.ChatOfClient(ctx, scope, m.Client)
		if err != nil || latest != nil && (m.Pushed || !latest.Closed) {
			return latest, false, err
		}
		if latest != nil {
			before = max(before, latest.Total)
		}
		id := conversationID(sender.project, m.Client, before)
		known, err := h.config.Tables.ConversationExists(ctx, scope, id)
		if err != nil || !known {
			return &ChatRow{Conversation: string(id)}, true, err
		}
		// Another request is opening it, or the client is not known for it any more,
		// after an erasure: the tables tell which once they hold what the log has now.
		if scope, err = h.fresh(ctx, sender); err != nil {
			return nil, false, err
		}
	}
}
