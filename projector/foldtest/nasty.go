package foldtest

import (
	"fmt"

	"github.com/parley-analytics/parley/schema"
)

// nastyEpoch is when nasty conversations happen: a moment whose milliseconds
// are easy to read.
const nastyEpoch schema.Timestamp = 1_700_000_000_000

// Nasty returns n distinct events of a conversation without any sense in their
// order: few instants, operators, messages, tags and transactions, so that they
// meet; several sources; sequences that all, some or no events have.
func Nasty(d Dice, key schema.ConversationKey, n int) []schema.Event {
	sources := pick(d, []string{"s"}, []string{"s", "t"}, []string{"s", "é", "s/2", "S"})
	ordered := pick(d, 0, 50, 100)       // percent of events with a sequence
	instants := pick(d, 1, 2, 5, 50)     // different times
	gap := pick(d, 1, 1, 7, 3_600_000)   // between them
	kinds := pick(d, nastyAll, nastyRun) // types to choose from
	events := make([]schema.Event, n)
	for i := range events {
		e := schema.Event{
			Project: key.Project, Conversation: key.Conversation,
			Source: pick(d, sources...),
			ID:     fmt.Sprintf("%s-%d", key.Conversation[:8], i),
			Time:   nastyEpoch + schema.Timestamp(d.IntN(instants)*gap),
		}
		if chance(d, ordered) {
			e.HasOrder, e.Order = true, pick[uint64](d, 0, 1, 2, 2, 3, 10, 9_999_999_999_999_999_999)
		}
		e.Type, e.Data = pick(d, kinds...)(d, e.Time)
		events[i] = e
	}
	return events
}

// maker makes the data of an event.
type maker func(d Dice, at schema.Timestamp) (schema.Type, schema.Data)

var (
	// nastyAll has every type.
	nastyAll = []maker{
		opened, routed, pushed, pushed, snoozed, transferred, closed,
		message, message, readMessages, deleted, tagged, untagged, satisfaction, transaction,
	}
	// nastyRun has the types that move contacts.
	nastyRun = []maker{routed, pushed, snoozed, transferred, closed, message}
)

func opened(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	data := &schema.Opened{
		Channel:   pick(d, schema.Channels()...),
		Language:  maybe(d, "fr", "en"),
		Initiator: maybe(d, schema.InitiatorVisitor, schema.InitiatorOperator, schema.InitiatorSystem),
		Campaign:  reference(d, "c"),
	}
	if chance(d, 50) {
		data.Visitor = &schema.Visitor{ID: pick(d, "v1", "v2", ""), FirstName: maybe(d, "Ada"), Email: maybe(d, "ada@example.org")}
	}
	if chance(d, 50) {
		data.CustomData = []schema.CustomValue{}
		for _, key := range []string{"b", "", "a"}[:d.IntN(4)] {
			data.CustomData = append(data.CustomData, schema.CustomValue{Key: key, Value: pick(d, "1", "2")})
		}
	}
	return schema.TypeOpened, data
}

func routed(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeRouted, &schema.Routed{
		Rule:  schema.Ref{ID: pick(d, "r1", "r2"), Name: maybe(d, "Sales")},
		Group: reference(d, "g"),
	}
}

func pushed(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypePushed, &schema.Pushed{To: schema.User{
		ID:    operator(d),
		Kind:  pick(d, schema.KindProfessional, schema.KindExpert, schema.KindBot),
		Name:  maybe(d, "Grace", "Alan"),
		Email: maybe(d, "grace@example.org"),
	}}
}

func snoozed(d Dice, at schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeSnoozed, &schema.Snoozed{By: maybeOperator(d), Until: maybe(d, at+60_000)}
}

func transferred(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeTransferred, &schema.Transferred{
		From: maybeOperator(d), To: maybeOperator(d), ToRule: reference(d, "r"), ToGroup: reference(d, "g"),
	}
}

func closed(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeClosed, &schema.Closed{By: maybeOperator(d), Reason: maybe(d, "END_OF_BOT_SCENARIO", "")}
}

func message(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	data := &schema.Message{
		MessageID:  pick(d, "m1", "m2", "m3", "m4", "m5", "m6"),
		AuthorKind: pick(d, schema.KindVisitor, schema.KindVisitor, schema.KindProfessional, schema.KindExpert, schema.KindBot),
		Automatic:  chance(d, 30),
		Text:       maybe(d, "hello", "hello?", ""),
	}
	if data.AuthorKind == schema.KindVisitor {
		data.VisitorID = maybe(d, "v1", "v2")
	} else if chance(d, 60) {
		data.OperatorID = new(operator(d))
	}
	return schema.TypeMessage, data
}

func readMessages(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeRead, &schema.Read{Reader: pick(d, schema.ReaderVisitor, schema.ReaderOperator), UpTo: maybe(d, "m1", "m2", "m3", "m9")}
}

func deleted(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeDeleted, &schema.Deleted{MessageID: pick(d, "m1", "m2", "m9")}
}

func tagged(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeTagged, &schema.Tagged{Tag: tag(d)}
}

func untagged(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	return schema.TypeUntagged, &schema.Untagged{Tag: tag(d)}
}

func satisfaction(d Dice, _ schema.Timestamp) (schema.Type, schema.Data) {
	data := &schema.Satisfaction{
		CustomerSatisfaction: maybe[uint8](d, 1, 3, 5),
		NetPromoterScore:     maybe[uint8](d, 0, 7, 10),
		Comment:              maybe(d, "thanks", ""),
	}
	if data.CustomerSatisfaction == nil && data.NetPromoterScore == nil && data.Comment == nil {
		data.Comment = new("")
	}
	return schema.TypeSatisfaction, data
}

func transaction(d Dice, at schema.Timestamp) (schema.Type, schema.Data) {
	conversion := pick(d, "order-1", "order-2")
	return schema.TypeTransaction, &schema.Transaction{
		TransactionID:        pick(d, conversion, "t-1", "t-2"),
		ExternalConversionID: conversion,
		Amount:               pick[schema.Amount](d, 1_299_000, -1_299_000, 1, 0, 999_999_999_999_999_999),
		Currency:             pick[schema.Currency](d, "EUR", "EUR", "USD"),
		ReceivedAt:           pick(d, at, at+1, at-86_400_000),
		Source:               maybe(d, schema.SourceOnsite, schema.SourceOffsite),
		AttributedTo:         maybeOperator(d),
	}
}

func operator(d Dice) schema.OperatorID { return pick[schema.OperatorID](d, 1, 2, 3, 9007199254740991) }

// maybeOperator returns an operator as most members name one, or nil.
func maybeOperator(d Dice) *schema.User {
	return maybe(d, schema.User{ID: operator(d)}, schema.User{ID: operator(d), Kind: schema.KindBot, Name: maybe(d, "Bo")})
}

func reference(d Dice, prefix string) *schema.Ref {
	return maybe(d, schema.Ref{ID: prefix + "1"}, schema.Ref{ID: prefix + "2", Name: maybe(d, "Two")})
}

func tag(d Dice) schema.Ref {
	return schema.Ref{ID: pick(d, "t1", "t2", "t3"), Name: maybe(d, "VIP", "Very important")}
}
