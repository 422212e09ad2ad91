package storetest

import (
	"cmp"
	"slices"
)

// Closed returns the closed conversations that match, by closing time, project and
// id.
func (w *World) Closed(match func(*Conversation) bool) []*Conversation {
	var list []*Conversation
	for i := range w.Conversations {
		if c := &w.Conversations[i]; c.ClosedAt != nil && match(c) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *Conversation) int {
		return cmp.Or(cmp.Compare(*a.ClosedAt, *b.ClosedAt), cmp.Compare(a.Project, b.Project), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Started returns the contacts that match, with their conversations, by start,
// project and id.
func (w *World) Started(match func(*Contact, *Conversation) bool) []*Contact {
	type key struct {
		project uint32
		id      string
	}
	conversations := map[key]*Conversation{}
	for i := range w.Conversations {
		conversations[key{w.Conversations[i].Project, w.Conversations[i].ID}] = &w.Conversations[i]
	}
	var list []*Contact
	for i := range w.Contacts {
		k := &w.Contacts[i]
		if match(k, conversations[key{k.Project, k.Conversation}]) {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b *Contact) int {
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Project, b.Project), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Merge adds the rows of another world.
func (w *World) Merge(other *World) *World {
	w.Conversations = append(w.Conversations, other.Conversations...)
	w.Contacts = append(w.Contacts, other.Contacts...)
	w.Transactions = append(w.Transactions, other.Transactions...)
	w.Messages = append(w.Messages, other.Messages...)
	w.Texts = append(w.Texts, other.Texts...)
	w.Visitors = append(w.Visitors, other.Visitors...)
	w.Events = append(w.Events, other.Events...)
	return w
}
