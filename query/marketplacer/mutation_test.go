package marketplacer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// oneSeller is tables with a seller who has written; the rest is unused.
type oneSeller struct {
	Store
	behind bool // the tables do not reach what is appended
}

func (oneSeller) Live(context.Context) (query.Live, error) { return query.Live{Projection: 1}, nil }

func (o oneSeller) Await(ctx context.Context, _ schema.Sequence) (query.Live, error) {
	if o.behind {
		<-ctx.Done()
		return query.Live{}, &query.Error{Code: query.CodeTimeout, Message: "behind"}
	}
	return query.Live{Projection: 1}, nil
}

func (oneSeller) Sellers(context.Context, query.Scope, SellerFilter, query.Page) ([]SellerRow, error) {
	return []SellerRow{{Project: 7, Chat: string(schema.ProfileSubject(7, schema.ProfileSeller, "5")), ID: "5"}}, nil
}

func (oneSeller) ContactsOfChats(context.Context, query.Scope, []schema.ConversationKey) ([]ContactsRow, error) {
	return nil, nil
}

func (oneSeller) ChatSummaries(context.Context, query.Scope, []schema.ConversationKey) ([]SummaryRow, error) {
	last := "m1"
	return []SummaryRow{{Project: 7, Chat: string(schema.ProfileSubject(7, schema.ProfileSeller, "5")), Messages: 1, AdminUnread: 1, Last: &last}}, nil
}

func (oneSeller) MessagesNamed(context.Context, query.Scope, []schema.ConversationKey, []string, []string) ([]query.MessageRow, error) {
	return nil, nil
}

// failingLog answers every append with an error, or nil.
type failingLog struct{ err error }

func (l failingLog) Append(context.Context, schema.ProjectID, []schema.Event) (schema.Sequence, error) {
	return 1, l.err
}

func TestMutationsSayWhatBecameOfThem(t *testing.T) {
	away := errors.New("it is away")
	for name, c := range map[string]struct {
		log     error
		behind  bool
		status  int
		message string // of the error; empty for none
	}{
		"done":               {nil, false, 200, ""},
		"not visible yet":    {nil, true, 202, "is stored and not yet visible to queries: do not send it again"},
		"not stored":         {fmt.Errorf("%w: %w", ErrUnavailable, away), false, 503, "was not stored, the log is unavailable: try again"},
		"an unknown outcome": {fmt.Errorf("%w: %w", ErrUnknownOutcome, away), false, 504, "may have been stored or not: send it again with the same clientMutationId"},
		"refused":            {away, false, 500, "was not stored: internal error"},
	} {
		api, err := New(Config{
			Store: oneSeller{behind: c.behind}, Log: failingLog{c.log}, Logger: slog.New(slog.DiscardHandler), Key: []byte("key"),
			Now: time.Now, Patience: 10 * time.Millisecond, OperatorID: func(string) schema.OperatorID { return 1 },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := WithCaller(t.Context(), schema.Caller{ID: "k", Role: schema.RoleOperator, Projects: schema.Projects{IDs: []schema.ProjectID{7}}})
		answered := api.Schema().Exec(ctx, `mutation {
			sent: chatMessageCreate(input: {message: "hello", sellerId: "`+sellerID("5")+`"}) { status errors { field messages } chatMessage { message } }
			read: chatMessageRead(input: {seller: "`+sellerID("5")+`", sentBy: "User"}) { status errors { field messages } } }`, "", nil)
		told, message := "null", "null"
		if c.message != "" {
			told = `[{"field":"base","messages":["` + c.message + `"]}]`
		}
		if c.status < 300 {
			message = `{"message":"hello"}`
		}
		want := fmt.Sprintf(`{"sent":{"status":%[1]d,"errors":%[2]s,"chatMessage":%[3]s},"read":{"status":%[1]d,"errors":%[2]s}}`, c.status, told, message)
		if got := strings.TrimSpace(string(answered.Data)); len(answered.Errors) > 0 || got != want {
			t.Errorf("%s: %s %v, want %s", name, got, answered.Errors, want)
		}
	}
}
