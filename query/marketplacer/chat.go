package marketplacer

import (
	"context"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// The sides of a chat, in arguments and answers.
const (
	sideAdmin = "Admin"
	sideUser  = "User"
)

// chats are those of the sellers of one list.
type chats struct {
	*view
	keys    []schema.ConversationKey
	sellers map[schema.ConversationKey]*Seller
}

// ChatMessage is a message of a chat.
type ChatMessage struct {
	row  *query.MessageRow
	text string // its text

	ID         query.Text
	CreatedAt  ISO8601DateTime
	ReadAt     *ISO8601DateTime
	Message    query.Text
	Seller     *Seller
	SentByType string
}

// MessageEdge is a message of a page.
type MessageEdge struct {
	Cursor query.Text
	Node   *ChatMessage
}

// columns are the columns of a message.
func columns() []string { return []string{"id", "createdAt", "author", "readAt", "deletedAt"} }

// messages creates the messages of rows, with their texts.
func (c *chats) messages(rows []query.MessageRow) ([]*ChatMessage, error) {
	texts, err := c.texts(rows)
	if err != nil {
		return nil, err
	}
	list := make([]*ChatMessage, len(rows))
	for i := range rows {
		r := &rows[i]
		seller := c.sellers[keyOf(r)]
		list[i] = c.message(r, seller, texts[textKey{keyOf(r), r.ID}])
	}
	return list, nil
}

func (v *view) message(r *query.MessageRow, seller *Seller, text string) *ChatMessage {
	m := &ChatMessage{
		row: r, text: text, ID: v.text(messageID(r.Conversation, r.ID)), CreatedAt: ISO8601DateTime(r.SentAt),
		ReadAt: (*ISO8601DateTime)(r.ReadAt), Message: v.text(text), Seller: seller, SentByType: sideAdmin,
	}
	if r.AuthorKind == string(schema.KindVisitor) {
		m.SentByType = sideUser
	}
	return m
}

func keyOf(r *query.MessageRow) schema.ConversationKey {
	return chatOf(r.Project, r.Conversation)
}

// textKey names a message.
type textKey struct {
	chat schema.ConversationKey
	id   string
}

// textsAtATime is how many messages' texts one statement reads.
const textsAtATime = 1000

// texts reads the texts of messages out of the events in the archive: of those with
// one id the last that has a text counts, and none of a message that was deleted.
func (c *chats) texts(rows []query.MessageRow) (map[textKey]string, error) {
	texts := make(map[textKey]string, len(rows))
	for part := range slices.Chunk(rows, textsAtATime) {
		var ids []string
		from := part[0].SentAt
		for i := range part {
			if part[i].DeletedAt == nil {
				ids = append(ids, part[i].ID)
				from = min(from, part[i].SentAt)
			}
		}
		if len(ids) == 0 {
			continue
		}
		events, err := c.api.Store.Originals(c.ctx, c.scope, c.keys, ids, from)
		if err != nil {
			return nil, err
		}
		var records []schema.Record
		for i := range events {
			if record, fault := events[i].Record(); fault == nil {
				records = append(records, record)
			}
		}
		for _, r := range schema.InOrder(records) {
			if m, ok := r.Event.Data.(*schema.Message); ok && m.Text != nil {
				texts[textKey{r.Event.ConversationKey(), m.MessageID}] = *m.Text
			}
		}
	}
	return texts, nil
}

// MessagesConnection is a page of a chat.
type MessagesConnection struct {
	seller *Seller

	Edges    *[]*MessageEdge
	Nodes    *[]*ChatMessage
	PageInfo query.PageInfo
}

// ChatMessages returns a page of the chat of the seller named, or of the caller.
func (r *root) ChatMessages(ctx context.Context, args struct {
	query.PageArguments
	SellerID *graphql.ID
}) (*MessagesConnection, error) {
	v, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	if args.SellerID == nil && v.caller.Role == schema.RoleOperator {
		return nil, &query.Error{Code: query.CodeBadInput, Message: "sellerId: is required with an operator's key"}
	}
	seller, err := v.named("sellerId", args.SellerID)
	if err != nil {
		return nil, err
	}
	if seller == nil {
		return nil, &query.Error{Code: query.CodeNotFound, Message: "sellerId: there is no such seller"}
	}
	return seller.ChatMessages(args.PageArguments)
}

// ChatMessages returns a page of the chat with the seller.
func (s *Seller) ChatMessages(args query.PageArguments) (*MessagesConnection, error) {
	c := s.chats
	page, err := query.OpenPage(c.api.Key, c.meter, "marketplacer.chatMessages", s.row.Chat, c.caller.Projects, args, false)
	if err != nil {
		return nil, err
	}
	// A page without a cursor is read for all chats of the list at once.
	keys := c.keys
	if page.After != nil || page.Before != nil {
		keys = []schema.ConversationKey{s.key()}
	}
	all, err := c.api.Store.Messages(c.ctx, c.scope, keys, page.Page, columns())
	if err != nil {
		return nil, c.public(err)
	}
	made, err := c.messages(all)
	if err != nil {
		return nil, c.public(err)
	}
	var own []*ChatMessage
	for _, m := range made {
		if m.Seller == s {
			own = append(own, m)
		}
	}
	place := func(m **ChatMessage) query.Place {
		return query.Place{At: schema.Timestamp((*m).row.Position), Project: schema.ProjectID(s.row.Project), ID: s.row.Chat}
	}
	connection := &MessagesConnection{seller: s}
	own, connection.PageInfo = query.CutPage(page, own, place)
	edges := make([]*MessageEdge, len(own))
	for i := range own {
		edges[i] = &MessageEdge{query.CursorOf(page, place(&own[i])), own[i]}
	}
	connection.Nodes, connection.Edges = &own, &edges
	return connection, nil
}

// summary is the summary of the messages of the seller's chat.
func (s *Seller) summary() (SummaryRow, error) {
	rows, err := s.chats.api.Store.ChatSummaries(s.chats.ctx, s.chats.scope, s.chats.keys)
	for _, r := range rows {
		if r.Project == s.row.Project && r.Chat == s.row.Chat {
			return r, nil
		}
	}
	return SummaryRow{}, s.chats.public(err)
}

// find reads messages of the chats by their ids.
func (c *chats) find(ids []string) ([]*ChatMessage, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := c.api.Store.MessagesNamed(c.ctx, c.scope, c.keys, ids, columns())
	if err != nil {
		return nil, c.public(err)
	}
	list, err := c.messages(rows)
	return list, c.public(err)
}

// message reads one message of the seller's chat; nil for no id and where there is
// none.
func (s *Seller) message(id *string) (*ChatMessage, error) {
	if id == nil {
		return nil, nil
	}
	found, err := s.chats.find([]string{*id})
	for _, m := range found {
		if m.Seller == s {
			return m, nil
		}
	}
	return nil, err
}

// TotalCount counts the messages of the chat.
func (c *MessagesConnection) TotalCount() (int32, error) {
	sum, err := c.seller.summary()
	return int32(min(sum.Messages, 1<<31-1)), err
}

// LastReadMessage is the latest of the other side's that a side has read.
func (c *MessagesConnection) LastReadMessage(args struct{ For string }) (*ChatMessage, error) {
	sum, err := c.seller.summary()
	if err != nil {
		return nil, err
	}
	switch args.For {
	case sideAdmin:
		return c.seller.message(sum.AdminLast)
	case sideUser:
		return c.seller.message(sum.UserLast)
	}
	return nil, errSide()
}

// TotalUnreadCount counts the other side's messages that a side has not read.
func (c *MessagesConnection) TotalUnreadCount(args struct{ For string }) (int32, error) {
	sum, err := c.seller.summary()
	switch {
	case err != nil:
		return 0, err
	case args.For == sideAdmin:
		return int32(min(sum.AdminUnread, 1<<31-1)), nil
	case args.For == sideUser:
		return int32(min(sum.UserUnread, 1<<31-1)), nil
	}
	return 0, errSide()
}

func errSide() error {
	return &query.Error{Code: query.CodeBadInput, Message: "for: must be " + sideAdmin + " or " + sideUser}
}
