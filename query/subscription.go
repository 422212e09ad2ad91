package query

import (
	"context"
	"encoding/json"
	"fmt"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/schema"
)

// Subscription is an operation that answers each change. The operation runs as a query of the type Subscription, once to be read
// ([Subscription.Opening]) and once for each change ([Subscription.Answers]).
type Subscription struct {
	Following
	After *string // position to go on from

	api    *API
	caller schema.Caller
}

// Feed executes subscriptions, in the contexts of a [Subscription].
func (a *API) Feed() *graphql.Schema { return a.feed }

// Subscribe begins a subscription of the caller.
func (a *API) Subscribe(caller schema.Caller) *Subscription {
	return &Subscription{api: a, caller: caller}
}

// Opening is the context in which the operation runs once to read its arguments.
func (s *Subscription) Opening(ctx context.Context) context.Context {
	return context.WithValue(WithCaller(ctx, s.caller), feedKey{}, &answering{subscription: s})
}

// mostTogether is how many changes are answered with one statement for each kind of row.
const mostTogether = 100

// Answer is the result of the operation for one change.
type Answer struct {
	Changed
	Result *graphql.Response
}

// Answers runs the operation for each change that it selects.
func (s *Subscription) Answers(ctx context.Context, changes []Changed, run func(context.Context) *graphql.Response) ([]Answer, error) {
	var answers []Answer
	for len(changes) > 0 {
		some := changes[:min(mostTogether, len(changes))]
		changes = changes[len(some):]
		ctx := WithCaller(ctx, s.caller)
		some, err := s.api.Matching(ctx, &s.Following, some)
		if err != nil {
			return nil, err
		}
		together := &answering{subscription: s, changes: some}
		ctx = context.WithValue(ctx, feedKey{}, together)
		for i := range some {
			together.current, together.shown = &some[i], false
			result := run(ctx)
			if together.err != nil {
				return nil, together.err
			}
			if together.shown || len(result.Errors) > 0 {
				answers = append(answers, Answer{some[i], result})
			}
		}
	}
	return answers, nil
}

type feedKey struct{}

// answering is what the resolvers of a subscription read and leave.
type answering struct {
	subscription *Subscription
	changes      []Changed // answered one after the other; none: the arguments are read

	current *Changed
	shown   bool // the current one is answered
	err     error

	loaded        bool
	conversations map[RowVersion]*Conversation
	contacts      map[RowVersion]*Contact
}

// feedRoot has the fields of Subscription.
type feedRoot struct{ *API }

// answer runs a field: it reads its arguments, or answers the current change.
func (f *feedRoot) answer(ctx context.Context, table Table, filters *filtersInput, contacts *contactFiltersInput, after *input, show func(*answering) error) error {
	now, ok := ctx.Value(feedKey{}).(*answering)
	if !ok {
		return &Error{CodeUnauthenticated, "the subscription has no caller"}
	}
	if now.changes != nil {
		now.err = show(now)
		return f.publicError(ctx, now.err)
	}
	if _, err := f.begin(ctx); err != nil {
		return f.publicError(ctx, err)
	}
	s := now.subscription
	if after != nil {
		text, err := after.text("after")
		if err != nil {
			return err
		}
		s.After = &text
	}
	following, err := f.following(table, filters, contacts)
	if err == nil {
		s.Following = *following
	}
	return f.publicError(ctx, err)
}

type changesArgs struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	After          *input
}

// ConversationChange is a conversation that has changed.
type ConversationChange struct {
	Position     string
	Erased       bool
	Conversation *Conversation
}

// Conversations resolves the field of Subscription.
func (f *feedRoot) Conversations(ctx context.Context, args changesArgs) (change *ConversationChange, err error) {
	err = f.answer(ctx, TableConversations, args.Filters, args.ContactFilters, args.After, func(now *answering) error {
		if err := f.loadConversations(ctx, now); err != nil {
			return err
		}
		if c := now.conversations[now.current.version()]; c != nil {
			now.shown, change = true, &ConversationChange{now.current.Position, now.current.Erased, c}
		}
		return nil
	})
	return change, err
}

func (f *feedRoot) loadConversations(ctx context.Context, now *answering) error {
	if now.loaded {
		return nil
	}
	now.loaded = true
	r, err := f.begin(ctx)
	if err != nil {
		return err
	}
	batch := newConversations(f.API, r.now(), selectedFields(ctx).below("conversation"))
	rows, err := f.store.Conversations(ctx, r.scope(nil), conversationsOf(now.changes), append(batch.columns(), "version"))
	if err != nil {
		return err
	}
	versions := make([]uint64, len(rows)) // load may read rows again
	for i := range rows {
		versions[i] = rows[i].Version
	}
	list, err := batch.load(ctx, rows)
	now.conversations = make(map[RowVersion]*Conversation, len(list))
	for i, c := range list {
		now.conversations[RowVersion{c.row.Project, c.row.ID, versions[i]}] = c
	}
	return err
}

// ContactChange is a contact that has changed.
type ContactChange struct {
	Position string
	Erased   bool
	Contact  *Contact
}

// Contacts resolves the field of Subscription.
func (f *feedRoot) Contacts(ctx context.Context, args changesArgs) (change *ContactChange, err error) {
	err = f.answer(ctx, TableContacts, args.Filters, args.ContactFilters, args.After, func(now *answering) error {
		if err := f.loadContacts(ctx, now); err != nil {
			return err
		}
		if c := now.contacts[now.current.version()]; c != nil {
			now.shown, change = true, &ContactChange{now.current.Position, now.current.Erased, c}
		}
		return nil
	})
	return change, err
}

func (f *feedRoot) loadContacts(ctx context.Context, now *answering) error {
	if now.loaded {
		return nil
	}
	now.loaded = true
	r, err := f.begin(ctx)
	if err != nil {
		return err
	}
	batch := newContacts(f.API, r.now(), selectedFields(ctx).below("contact"))
	rows, err := f.store.ContactsOf(ctx, r.scope(nil), Interval{firstMoment, lastMoment}, conversationsOf(now.changes), append(batch.columns(), "version"))
	if err != nil {
		return err
	}
	type name struct {
		project uint32
		id      string
	}
	versions := make(map[name]uint64, len(rows)) // load may read rows again
	for i := range rows {
		versions[name{rows[i].Project, rows[i].ID}] = rows[i].Version
	}
	list, err := batch.load(ctx, rows)
	now.contacts = make(map[RowVersion]*Contact, len(list))
	for _, c := range list {
		now.contacts[RowVersion{c.row.Project, c.row.ID, versions[name{c.row.Project, c.row.ID}]}] = c
	}
	return err
}

// EventChange is an event that is in the tables.
type EventChange struct {
	Position       string
	Erased         bool
	Project        Project
	ConversationID UUID
	ID             Text
	Source         Text
	Type           string
	Time           DateTime
	Sequence       Long
	ReceivedAt     DateTime
}

// Events resolves the field of Subscription.
func (f *feedRoot) Events(ctx context.Context, args struct {
	ProjectIDs      *[]input
	ConversationIDs *[]input
	After           *input
}) (change *EventChange, err error) {
	filters := &filtersInput{ProjectIDs: args.ProjectIDs, ConversationIDs: args.ConversationIDs}
	err = f.answer(ctx, TableEvents, filters, nil, args.After, func(now *answering) error {
		r, err := f.begin(ctx)
		if err != nil {
			return err
		}
		var row struct {
			ID         string `json:"event_id"`
			Source     string `json:"source"`
			Type       string `json:"type"`
			Time       string `json:"time"`
			ReceivedAt string `json:"received_at"`
		}
		if err := json.Unmarshal(now.current.Row, &row); err != nil {
			return fmt.Errorf("event %d: %w", now.current.Sequence, err)
		}
		at, err := schema.ParseTimestamp(row.Time)
		if err != nil {
			return fmt.Errorf("time of event %d: %w", now.current.Sequence, err)
		}
		received, err := schema.ParseTimestamp(row.ReceivedAt)
		if err != nil {
			return fmt.Errorf("time of event %d: %w", now.current.Sequence, err)
		}
		now.shown, change = true, &EventChange{
			Position: now.current.Position, Erased: now.current.Erased, Project: r.texts.project(uint32(now.current.Project)), ConversationID: UUID(now.current.Conversation),
			ID: r.texts.of(row.ID), Source: r.texts.of(row.Source), Type: row.Type, Time: DateTime(at),
			Sequence: Long(now.current.Sequence), ReceivedAt: DateTime(received),
		}
		return nil
	})
	return change, err
}
