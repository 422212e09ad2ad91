package marketplacer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// lookups reads the rows of sellers for many requests at a time: while one statement runs, new
// requests wait and share the next one. So a single request does not wait for others, and no row is
// older than its request.
type lookups[R any] struct {
	// read reads the rows of sellers; the scope contains exactly their projects.
	read func(ctx context.Context, scope query.Scope, of []sellerKey) (map[sellerKey]R, error)

	mu      sync.Mutex
	next    *lookup[R] // not begun; nil for none
	running bool
}

// lookup is one statement.
type lookup[R any] struct {
	projection uint32
	keys       map[sellerKey]struct{}

	done  chan struct{} // closed once the two below are set
	found map[sellerKey]R
	err   error
}

// of returns the row of a seller, if there is one. Whether the caller may see the
// seller is decided before.
func (l *lookups[R]) of(ctx context.Context, projection uint32, key sellerKey) (row R, found bool, err error) {
	asked := l.join(projection, key)
	select {
	case <-asked.done:
		row, found = asked.found[key]
		return row, found, asked.err
	case <-ctx.Done():
		return row, false, ctx.Err()
	}
}

func (l *lookups[R]) join(projection uint32, key sellerKey) *lookup[R] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &lookup[R]{keys: map[sellerKey]struct{}{}, done: make(chan struct{})}
	}
	asked := l.next
	asked.projection = projection // of the latest request
	asked.keys[key] = struct{}{}
	if !l.running {
		l.running = true
		go l.run()
	}
	return asked
}

// run sends statements as long as a request waits for one.
func (l *lookups[R]) run() {
	for {
		l.mu.Lock()
		asked := l.next
		l.next, l.running = nil, asked != nil
		l.mu.Unlock()
		if asked == nil {
			return
		}
		asked.found, asked.err = l.send(asked)
		close(asked.done)
	}
}

// send runs a statement. It belongs to no single request, so that none cancels it
// for the others: the store bounds it. A panic is an error.
func (l *lookups[R]) send(asked *lookup[R]) (found map[sellerKey]R, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	keys := slices.Collect(maps.Keys(asked.keys))
	scope := query.Scope{Projection: asked.projection}
	for _, key := range keys {
		if !slices.Contains(scope.Projects.IDs, key.project) {
			scope.Projects.IDs = append(scope.Projects.IDs, key.project)
		}
	}
	slices.Sort(scope.Projects.IDs)
	return l.read(context.Background(), scope, keys)
}

// readSellers reads sellers.
func (a *API) readSellers(ctx context.Context, scope query.Scope, of []sellerKey) (map[sellerKey]SellerRow, error) {
	var filter SellerFilter // the ids are in the sort key, the chats are exact
	for _, key := range of {
		filter.IDs, filter.Chats = append(filter.IDs, key.id), append(filter.Chats, string(key.chat().Conversation))
	}
	rows, err := a.Store.Sellers(ctx, scope, filter, query.Page{Limit: len(of)})
	found := make(map[sellerKey]SellerRow, len(rows))
	for _, r := range rows {
		found[r.key()] = r
	}
	return found, err
}

// readContacts counts the contacts of sellers' chats.
func (a *API) readContacts(ctx context.Context, scope query.Scope, of []sellerKey) (map[sellerKey]ContactsRow, error) {
	chats, keys := make([]schema.ConversationKey, len(of)), make(map[schema.ConversationKey]sellerKey, len(of))
	for i, key := range of {
		chats[i] = key.chat()
		keys[chats[i]] = key
	}
	rows, err := a.Store.ContactsOfChats(ctx, scope, chats)
	found := make(map[sellerKey]ContactsRow, len(rows))
	for _, r := range rows {
		found[keys[chatOf(r.Project, r.Chat)]] = r
	}
	return found, err
}

// sellerKey names a seller.
type sellerKey struct {
	project schema.ProjectID
	id      string
}

func (k sellerKey) chat() schema.ConversationKey {
	return schema.ConversationKey{Project: k.project, Conversation: schema.ProfileSubject(k.project, schema.ProfileSeller, k.id)}
}

func (r *SellerRow) key() sellerKey { return sellerKey{schema.ProjectID(r.Project), r.ID} }

func chatOf(project uint32, chat string) schema.ConversationKey {
	return schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(chat)}
}
