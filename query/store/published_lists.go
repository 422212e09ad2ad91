package store

import (
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// PublishClosedConversations implements query.ListPublisher.
func (s *Store) PublishClosedConversations(scope query.Scope, interval query.Interval, filter *query.Filter, descending bool) string {
	return publishList("conversations", closed("a", scope, interval, filter), descending, "closed_at", "project_id", "conversation_id")
}

// PublishCreatedConversations implements query.ListPublisher.
func (s *Store) PublishCreatedConversations(scope query.Scope, interval query.Interval, filter *query.Filter, descending bool) string {
	return publishList("conversations", created("a", scope, interval, filter), descending, "created_at", "project_id", "conversation_id")
}

// PublishContacts implements query.ListPublisher.
func (s *Store) PublishContacts(scope query.Scope, interval query.Interval, filter *query.Filter, descending bool) string {
	return publishList("contacts", started("a", scope, interval, filter), descending, "started_at", "project_id", "contact_id")
}

// PublishConversation implements query.ListPublisher.
func (s *Store) PublishConversation(of schema.ConversationKey, rows query.ConversationRows) string {
	view := map[query.ConversationRows]struct{ name, order string }{
		query.RowsOfConversation: {"conversations", "project_id, conversation_id"},
		query.RowsOfContacts:     {"contacts", "ordinal"},
		query.RowsOfMessages:     {"messages", "sent_at, message_id"},
		query.RowsOfTransactions: {"transactions", "received_at, transaction_id"},
		query.RowsOfStateChanges: {"state_changes", "changed_at, change, ordinal"},
		query.RowsOfEvents:       {"events", "sequence"},
	}[rows]
	where := within("a", schema.Projects{IDs: []schema.ProjectID{of.Project}})
	where.add("conversation_id = {$:String}", string(of.Conversation))
	return newStatement("published_list", query.Scope{}).with("table", clickhouse.ViewDatabase+"."+view.name).
		with("order", view.order).where("where", where).published()
}

func publishList(table string, where *conditions, descending bool, columns ...string) string {
	return newStatement("published_list", query.Scope{}).with("table", "{projection:Identifier}."+table+" FINAL").
		with("order", order(query.Page{Descending: descending}, columns...)).where("where", where).published()
}
