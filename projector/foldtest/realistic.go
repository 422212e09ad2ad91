package foldtest

import (
	"fmt"

	"github.com/parley-analytics/parley/schema"
)

// Realistic plays one conversation from its opening on, in the order in which
// things happen: a bot or an agent takes it, visitor and operator write, it is
// transferred, snoozed, closed, perhaps reopened; answers to the survey, tags
// and sales come after. 10 to 60 events.
func Realistic(d Dice, key schema.ConversationKey, start schema.Timestamp) []schema.Event {
	p := play{dice: d, key: key, now: start}
	p.happen(schema.TypeOpened, &schema.Opened{
		Channel:    pick(d, schema.Channels()...),
		Language:   new(pick(d, "fr", "en", "de", "es")),
		Initiator:  new(pick(d, schema.InitiatorVisitor, schema.InitiatorVisitor, schema.InitiatorOperator)),
		Visitor:    &schema.Visitor{ID: fmt.Sprintf("visitor-%d", d.IntN(10_000)), FirstName: new(pick(d, "Ada", "Léa", "Jürgen"))},
		Campaign:   reference(d, "campaign-"),
		CustomData: []schema.CustomValue{{Key: "cart", Value: fmt.Sprint(d.IntN(200))}, {Key: "page", Value: "/checkout"}},
	})
	p.contact(pick(d, schema.KindBot, schema.KindProfessional, schema.KindExpert))
	for chance(d, 25) {
		p.wait(3_600_000)
		p.contact(schema.KindProfessional)
	}
	for chance(d, 30) {
		p.wait(60_000)
		p.happen(schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: fmt.Sprintf("tag-%d", d.IntN(20)), Name: new("Tag")}})
	}
	if chance(d, 40) {
		p.wait(172_800_000)
		p.happen(schema.TypeSatisfaction, &schema.Satisfaction{
			CustomerSatisfaction: new(uint8(1 + d.IntN(5))),
			NetPromoterScore:     maybe[uint8](d, 3, 8, 9, 10),
			Comment:              maybe(d, "merci", "too slow"),
		})
	}
	if chance(d, 20) {
		p.wait(86_400_000)
		order := fmt.Sprintf("order-%d", d.IntN(1_000_000))
		p.happen(schema.TypeTransaction, &schema.Transaction{
			TransactionID: order, ExternalConversionID: order,
			Amount: schema.Amount(100 * (1 + d.IntN(50_000))), Currency: pick[schema.Currency](d, "EUR", "USD", "GBP"),
			ReceivedAt: p.now, Source: new(schema.SourceOnsite),
		})
	}
	return p.events
}

// play is a conversation in progress.
type play struct {
	dice   Dice
	key    schema.ConversationKey
	now    schema.Timestamp
	events []schema.Event
}

// wait lets up to most milliseconds pass.
func (p *play) wait(most int) { p.now += schema.Timestamp(1 + p.dice.IntN(most)) }

// happen appends an event.
func (p *play) happen(t schema.Type, data schema.Data) {
	p.events = append(p.events, schema.Event{
		Project: p.key.Project, Conversation: p.key.Conversation,
		Source: "chat", ID: fmt.Sprintf("%s/%d", p.key.Conversation, len(p.events)),
		Type: t, Time: p.now, Data: data,
	})
}

// contact plays from a routing to a close, with everything between.
func (p *play) contact(kind schema.UserKind) {
	for {
		p.happen(schema.TypeRouted, &schema.Routed{
			Rule:  schema.Ref{ID: fmt.Sprintf("rule-%d", p.dice.IntN(5)), Name: new("Rule")},
			Group: reference(p.dice, "group-"),
		})
		p.wait(30_000)
		operator := schema.User{ID: schema.OperatorID(1 + p.dice.IntN(50)), Kind: kind, Name: new("Operator")}
		p.happen(schema.TypePushed, &schema.Pushed{To: operator})
		p.talk(operator)
		for chance(p.dice, 20) {
			p.happen(schema.TypeSnoozed, &schema.Snoozed{By: &operator, Until: new(p.now + 600_000)})
			p.wait(600_000)
			p.happen(schema.TypePushed, &schema.Pushed{To: operator})
			p.talk(operator)
		}
		if !chance(p.dice, 25) {
			p.happen(schema.TypeClosed, &schema.Closed{By: &operator, Reason: maybe(p.dice, "END_OF_BOT_SCENARIO")})
			return
		}
		p.happen(schema.TypeTransferred, &schema.Transferred{From: &operator, ToRule: &schema.Ref{ID: "rule-1"}})
		p.wait(1000)
		kind = schema.KindProfessional
	}
}

// talk exchanges some messages.
func (p *play) talk(operator schema.User) {
	for range p.dice.IntN(6) {
		p.wait(60_000)
		data := &schema.Message{
			MessageID: fmt.Sprintf("message-%d", len(p.events)), AuthorKind: schema.KindVisitor,
			Text: new("Lorem ipsum dolor sit amet"),
		}
		if chance(p.dice, 50) {
			data.AuthorKind, data.OperatorID = operator.Kind, &operator.ID
			data.Automatic = chance(p.dice, 15)
		}
		p.happen(schema.TypeMessage, data)
	}
	p.wait(60_000)
}
