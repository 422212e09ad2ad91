package store

import "github.com/parley-analytics/parley/query"

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

func publishList(table string, where *conditions, descending bool, columns ...string) string {
	return newStatement("published_list", query.Scope{}).with("table", "{projection:Identifier}."+table+" FINAL").
		with("order", order(query.Page{Descending: descending}, columns...)).where("where", where).published()
}
