package marketplacer

import (
	"context"
	"fmt"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
)

// Node is an object with an id: one of the two is set.
type Node struct {
	ID      query.Text
	seller  *Seller
	message *ChatMessage
}

// ToSeller reports whether it is a seller.
func (n *Node) ToSeller() (*Seller, bool) { return n.seller, n.seller != nil }

// ToChatMessage reports whether it is a message.
func (n *Node) ToChatMessage() (*ChatMessage, bool) { return n.message, n.message != nil }

// ToUser reports that it is not a person: persons are not stored.
func (n *Node) ToUser() (*User, bool) { return nil, false }

// Node returns the object with the id.
func (r *root) Node(ctx context.Context, args struct{ ID graphql.ID }) (*Node, error) {
	nodes, err := r.nodes(ctx, []graphql.ID{args.ID})
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

// mostNodes is the maximum number of objects read by id at a time.
const mostNodes = 100

// Nodes returns the objects with the ids, in their order.
func (r *root) Nodes(ctx context.Context, args struct{ IDs []graphql.ID }) ([]*Node, error) {
	if len(args.IDs) > mostNodes {
		return nil, &query.Error{Code: query.CodeBadInput, Message: fmt.Sprintf("ids: must have at most %d elements", mostNodes)}
	}
	return r.nodes(ctx, args.IDs)
}

func (r *root) nodes(ctx context.Context, ids []graphql.ID) ([]*Node, error) {
	v, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	var wanted, written SellerFilter // by id, and by the chats of messages
	var messages []string
	for _, id := range ids {
		kind, rest, _ := decodeID(string(id))
		switch chat, message, ok := splitMessage(rest); {
		case kind == typeSeller:
			wanted.IDs = append(wanted.IDs, rest)
		case kind == typeMessage && ok:
			written.Chats, messages = append(written.Chats, chat), append(messages, message)
		}
	}
	byID := map[string]*Node{}
	if wanted.IDs != nil {
		rows, err := v.sellers(wanted, query.Page{Limit: mostNamed})
		if err != nil {
			return nil, v.public(err)
		}
		for _, s := range v.sellersOf(rows) {
			id := sellerID(s.row.ID)
			if byID[id] != nil {
				return nil, &query.Error{Code: query.CodeBadInput, Message: "id: " + ambiguous}
			}
			byID[id] = &Node{ID: s.ID, seller: s}
		}
	}
	if written.Chats != nil {
		rows, err := v.sellers(written, query.Page{Limit: mostNamed})
		if err != nil {
			return nil, v.public(err)
		}
		var found []*ChatMessage
		if sellers := v.sellersOf(rows); len(sellers) > 0 {
			if found, err = sellers[0].chats.find(messages); err != nil {
				return nil, err
			}
		}
		for _, m := range found {
			byID[messageID(m.row.Conversation, m.row.ID)] = &Node{ID: m.ID, message: m}
		}
	}
	nodes := make([]*Node, len(ids))
	for i, id := range ids {
		nodes[i] = byID[string(id)]
	}
	return nodes, nil
}
