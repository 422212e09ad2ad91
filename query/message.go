package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// Message is an item of a thread: one of the two is set.
type Message struct {
	NodeID    NodeID
	ID        Text
	CreatedAt DateTime

	position uint32
	chat     *ChatMessage
	system   *SystemMessage
}

// ToChatMessage returns the chat message and reports whether it is one.
func (m *Message) ToChatMessage() (*ChatMessage, bool) { return m.chat, m.chat != nil }

// ToSystemMessage returns the mark and reports whether it is one.
func (m *Message) ToSystemMessage() (*SystemMessage, bool) { return m.system, m.system != nil }

// ChatMessage is a message sent.
type ChatMessage struct {
	NodeID    NodeID
	ID        Text
	CreatedAt DateTime
	Author    MessageAuthor
	Automatic bool
	Text      *Text
	ContactID *ID
	ReadAt    *DateTime
	DeletedAt *DateTime
}

// MessageAuthor is its author.
type MessageAuthor struct {
	Kind string
	ID   *Text
	User *User
}

// SystemMessage is a mark of the system.
type SystemMessage struct {
	NodeID           NodeID
	ID               Text
	CreatedAt        DateTime
	ToUser, FromUser *User
	Attachment       SystemAttachment
}

// SystemAttachment is the content of a mark: the event of one of four types.
type SystemAttachment struct {
	event            schema.Type
	CreatedAt        DateTime
	FromUser, ToUser *User
	ToRoutingRule    *Named
	ToRoutingGroup   *Named
	Until            *DateTime
	Reason           *Text
}

// ToConversationPushedSystemAttachment reports whether it is a push.
func (a SystemAttachment) ToConversationPushedSystemAttachment() (*SystemAttachment, bool) {
	return &a, a.event == schema.TypePushed
}

// ToConversationSnoozedSystemAttachment reports whether it is a snooze.
func (a SystemAttachment) ToConversationSnoozedSystemAttachment() (*SystemAttachment, bool) {
	return &a, a.event == schema.TypeSnoozed
}

// ToConversationTransferredSystemAttachment reports whether it is a transfer.
func (a SystemAttachment) ToConversationTransferredSystemAttachment() (*SystemAttachment, bool) {
	return &a, a.event == schema.TypeTransferred
}

// ToConversationClosedSystemAttachment reports whether it is a close.
func (a SystemAttachment) ToConversationClosedSystemAttachment() (*SystemAttachment, bool) {
	return &a, a.event == schema.TypeClosed
}

// MessageConnection is a page of a thread.
type MessageConnection struct {
	PageInfo PageInfo
	Edges    []MessageEdge
	of       *ConversationRow
}

// MessageEdge is a message of the page.
type MessageEdge struct {
	Cursor Text
	Node   *Message
}

// TotalCount is known from the conversation's own row.
func (c *MessageConnection) TotalCount() Long {
	return Long(c.of.VisitorMessages) + Long(c.of.OperatorMessages) + Long(len(c.of.MarkEvents))
}

// Messages returns a page of the thread.
func (c *Conversation) Messages(ctx context.Context, args pageInput) (*MessageConnection, error) {
	seal := c.batch.api.seal(binding{
		Field: "messages", Rights: c.batch.request.caller.Projects,
		Of: fmt.Sprintf("%d/%s", c.row.Project, c.row.ID),
	})
	page, err := args.page(c.batch.request.texts, seal, false, c.batch.request.position())
	if err != nil {
		return nil, err
	}
	connection := &MessageConnection{of: c.row}
	if !selectedFields(ctx).any("edges", "pageInfo") {
		return connection, nil
	}
	rows, err := c.batch.messages(ctx, c, page.Page)
	if err != nil {
		return nil, c.batch.api.publicError(ctx, err)
	}
	thread, info := cut(page, c.thread(rows, page.Page), func(m **Message) Place {
		return Place{schema.Timestamp((*m).position), schema.ProjectID(c.row.Project), c.row.ID}
	})
	connection.PageInfo = info
	connection.Edges = make([]MessageEdge, len(thread))
	for i, m := range thread {
		at := Place{schema.Timestamp(m.position), schema.ProjectID(c.row.Project), c.row.ID}
		connection.Edges[i] = MessageEdge{page.cursor(at), m}
	}
	return connection, nil
}

// thread merges messages and marks in the order of the page.
func (c *Conversation) thread(rows []MessageRow, page Page) []*Message {
	var thread []*Message
	for i := range rows {
		thread = append(thread, c.chat(&rows[i]))
	}
	events := map[string]int{} // those of several sources can have one id
	for i, position := range c.row.MarkPositions {
		events[c.row.MarkEvents[i]]++
		after := page.After == nil || schema.Timestamp(position) > page.After.At
		before := page.Before == nil || schema.Timestamp(position) < page.Before.At
		if after && before {
			thread = append(thread, c.mark(i, events[c.row.MarkEvents[i]]))
		}
	}
	slices.SortFunc(thread, func(a, b *Message) int {
		if page.FromEnd {
			a, b = b, a
		}
		return cmp.Compare(a.position, b.position)
	})
	return thread[:min(len(thread), page.Limit)]
}

func (c *Conversation) chat(r *MessageRow) *Message {
	t := c.batch.request.texts
	chat := &ChatMessage{
		NodeID: t.nodeID("ChatMessage", r.Project, r.Conversation, r.ID),
		ID:     t.of(r.ID), CreatedAt: DateTime(r.SentAt), Automatic: r.Automatic, Text: t.maybe(r.Text),
		Author: MessageAuthor{Kind: r.AuthorKind, ID: t.maybe(r.AuthorID)}, ContactID: (*ID)(r.Contact),
		ReadAt: moment(r.ReadAt), DeletedAt: moment(r.DeletedAt),
	}
	if r.DeletedAt != nil {
		chat.Text = nil
	}
	if r.AuthorID != nil && r.AuthorKind != string(schema.KindVisitor) {
		if id, err := strconv.ParseInt(*r.AuthorID, 10, 64); err == nil {
			user := c.batch.request.user(r.Project, id)
			chat.Author.User = &user
		}
	}
	return &Message{NodeID: chat.NodeID, ID: chat.ID, CreatedAt: chat.CreatedAt, position: r.Position, chat: chat}
}

// mark is the i-th system attachment of the conversation, and the n-th whose event has its id.
func (c *Conversation) mark(i, n int) *Message {
	r, request, t := c.row, c.batch.request, c.batch.request.texts
	user := func(id *int64) *User {
		if id == nil {
			return nil
		}
		user := request.user(r.Project, *id)
		return &user
	}
	system := &SystemMessage{
		NodeID: t.nodeID("SystemMessage", r.Project, r.ID, strconv.Itoa(n), r.MarkEvents[i]),
		ID:     t.of(r.MarkEvents[i]), CreatedAt: DateTime(r.MarkAt[i]),
		FromUser: user(r.MarkFromIDs[i]), ToUser: user(r.MarkToIDs[i]),
	}
	system.Attachment = SystemAttachment{
		event: schema.Type(r.MarkTypes[i]), CreatedAt: system.CreatedAt,
		FromUser: system.FromUser, ToUser: system.ToUser,
		ToRoutingRule:  request.entity(typeRoutingRule, r.Project, r.MarkToRuleIDs[i]),
		ToRoutingGroup: request.entity(typeRoutingGroup, r.Project, r.MarkToGroupIDs[i]),
		Until:          moment(r.MarkUntil[i]), Reason: t.maybe(r.MarkReasons[i]),
	}
	return &Message{NodeID: system.NodeID, ID: system.ID, CreatedAt: system.CreatedAt, position: r.MarkPositions[i], system: system}
}
