package marketplacer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// source is the source of the events of mutations.
const source = "parley/marketplacer"

// ValidationError describes an invalid argument.
type ValidationError struct {
	Field    string
	Messages []string
}

// Payload is the answer of a mutation.
type Payload struct {
	ChatMessage      *ChatMessage
	ClientMutationID *query.Text
	Errors           *[]ValidationError
	Status           int32
}

// statusInvalid is the status of an input that breaks a rule.
const statusInvalid = http.StatusUnprocessableEntity

func (p *Payload) fail(status int, field, message string) {
	var errs []ValidationError
	if p.Errors != nil {
		errs = *p.Errors
	}
	errs = append(errs, ValidationError{field, []string{message}})
	p.Errors, p.Status = &errs, int32(status)
}

// CreateInput is the input of chatMessageCreate.
type CreateInput struct {
	ClientMutationID *string
	Message          string
	SellerID         *graphql.ID
}

// ChatMessageCreate sends a message.
func (r *root) ChatMessageCreate(ctx context.Context, args struct{ Input CreateInput }) (*Payload, error) {
	in := &args.Input
	v, p, seller, err := r.begin(ctx, in.ClientMutationID, in.SellerID)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Message) == "" {
		p.fail(statusInvalid, "message", "can't be blank")
	}
	if p.Errors != nil {
		return p, nil
	}
	message, err := v.compose(seller, in)
	if err != nil {
		return nil, v.public(err)
	}
	sent := &message[len(message)-1]
	if _, fault := schema.Decode(schema.Encode(sent), r.Now()); fault != nil {
		p.fail(statusInvalid, "message", fault.Rule)
		return p, nil //nolint:nilerr // the input is invalid, and the payload says why
	}
	data := sent.Data.(*schema.Message)
	stored := r.append(ctx, p, seller, message)
	if stored && in.ClientMutationID == nil || p.Status == http.StatusAccepted {
		row := &query.MessageRow{
			Project: seller.row.Project, Conversation: seller.row.Chat, ID: data.MessageID, SentAt: int64(sent.Time), AuthorKind: string(data.AuthorKind),
		}
		p.ChatMessage = v.message(row, seller, in.Message)
		return p, nil
	}
	if !stored {
		return p, nil
	}
	// Under a clientMutationId the message may be an earlier one.
	if p.ChatMessage, err = r.again(ctx, seller, &data.MessageID); err != nil {
		return nil, err
	}
	if m := p.ChatMessage; m == nil || m.text != in.Message {
		p.ChatMessage = nil
		p.fail(http.StatusConflict, "clientMutationId", "has already been taken")
	}
	return p, nil
}

// ReadInput is the input of chatMessageRead.
type ReadInput struct {
	ClientMutationID *string
	Seller           *graphql.ID
	SentBy           string
}

// ChatMessageRead marks what the other side has written as read.
func (r *root) ChatMessageRead(ctx context.Context, args struct{ Input ReadInput }) (*Payload, error) {
	in := &args.Input
	v, p, seller, err := r.begin(ctx, in.ClientMutationID, in.Seller)
	if err != nil {
		return nil, err
	}
	other, reader := sideUser, schema.ReaderOperator
	if v.caller.Role == schema.RoleSeller {
		other, reader = sideAdmin, schema.ReaderVisitor
	}
	switch in.SentBy {
	case other:
	case sideAdmin, sideUser:
		p.fail(statusInvalid, "sentBy", "must be "+other+": the other side's messages are what you have read")
	default:
		p.fail(statusInvalid, "sentBy", "is not included in the list: "+sideAdmin+", "+sideUser)
	}
	if p.Errors != nil {
		return p, nil
	}
	sum, err := seller.summary()
	if err != nil {
		return nil, err
	}
	unread := sum.AdminUnread
	if reader == schema.ReaderVisitor {
		unread = sum.UserUnread
	}
	if unread > 0 {
		read := v.event(seller, schema.TypeRead, "read-"+digest(string(reader), seller.row.Chat, *sum.Last), r.Now(), &schema.Read{Reader: reader, UpTo: sum.Last})
		if !r.append(ctx, p, seller, []schema.Event{read}) && p.Status != http.StatusAccepted {
			return p, nil
		}
	}
	p.ChatMessage, err = r.again(ctx, seller, sum.Last)
	return p, err
}

// begin finds the seller of a mutation; if there is none, the payload says so.
func (r *root) begin(ctx context.Context, mutation *string, id *graphql.ID) (*view, *Payload, *Seller, error) {
	v, err := r.look(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	p := &Payload{Status: http.StatusOK}
	if mutation != nil {
		echo := v.text(*mutation)
		p.ClientMutationID = &echo
	}
	seller, err := v.named("seller", id)
	var known *query.Error
	switch {
	case errors.As(err, &known) && known.Code == query.CodeBadInput:
		p.fail(statusInvalid, "seller", ambiguous)
	case err != nil:
		return nil, nil, nil, err
	case seller == nil:
		p.fail(statusInvalid, "seller", "must exist")
	}
	return v, p, seller, nil
}

// compose creates the events of a message; the chat is pushed before the first message of an
// operator without an open contact.
func (v *view) compose(seller *Seller, in *CreateInput) ([]schema.Event, error) {
	id := random()
	if in.ClientMutationID != nil {
		id = digest("message", v.caller.ID, *in.ClientMutationID)
	}
	now := v.api.Now()
	data := &schema.Message{MessageID: id, AuthorKind: schema.KindVisitor, VisitorID: &seller.row.ID, Text: &in.Message}
	var events []schema.Event
	if v.caller.Role == schema.RoleOperator {
		operator := v.api.OperatorID(v.caller.ID)
		data.AuthorKind, data.VisitorID, data.OperatorID = schema.KindProfessional, nil, &operator
		contacts, _, err := v.api.contacts.of(v.ctx, v.scope.Projection, seller.row.key())
		if err != nil {
			return nil, err
		}
		if contacts.Open == 0 {
			// Two concurrent pushes have the same id, and count as one.
			push := "push-" + digest(seller.row.Chat, hex.EncodeToString(binary.BigEndian.AppendUint64(nil, contacts.All)))
			events = append(events, v.event(seller, schema.TypePushed, push, now, &schema.Pushed{To: schema.User{ID: operator, Kind: schema.KindProfessional}}))
		}
	}
	return append(events, v.event(seller, schema.TypeMessage, "message-"+id, now, data)), nil
}

// event makes an event of a chat. The order inside a millisecond is that of the
// clock.
func (v *view) event(seller *Seller, kind schema.Type, id string, at time.Time, data schema.Data) schema.Event {
	return schema.Event{
		Project: schema.ProjectID(seller.row.Project), Conversation: schema.ConversationID(seller.row.Chat),
		Source: source, ID: id, Type: kind, Time: schema.TimestampOf(at), Order: uint64(at.UnixNano()), HasOrder: true, Data: data,
	}
}

// append appends the events to the log and waits for the tables. If that is incomplete, the payload says how.
func (r *root) append(ctx context.Context, p *Payload, seller *Seller, events []schema.Event) bool {
	at, err := r.Log.Append(ctx, schema.ProjectID(seller.row.Project), events)
	switch {
	case errors.Is(err, ErrUnknownOutcome):
		p.fail(http.StatusGatewayTimeout, "base", "may have been stored or not: send it again with the same clientMutationId")
		return false
	case errors.Is(err, ErrUnavailable):
		p.fail(http.StatusServiceUnavailable, "base", "was not stored, the log is unavailable: try again")
		return false
	case err != nil:
		r.Logger.ErrorContext(ctx, "a mutation was not stored", "error", err)
		p.fail(http.StatusInternalServerError, "base", "was not stored: internal error")
		return false
	}
	r.At("appended")
	waiting, done := context.WithTimeout(ctx, r.Patience)
	defer done()
	if _, err := r.Store.Await(waiting, at); err != nil {
		p.fail(http.StatusAccepted, "base", "is stored and not yet visible to queries: do not send it again")
		return false
	}
	return true
}

// again reads the present state of a message of the seller's chat in a new view.
func (r *root) again(ctx context.Context, seller *Seller, id *string) (*ChatMessage, error) {
	v, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	return v.sellersOf([]SellerRow{*seller.row})[0].message(id)
}

// digest is a stable name for strings: 128 bits of SHA-256.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.LittleEndian, uint32(len(part))) // never fails
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func random() string {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
