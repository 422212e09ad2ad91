package sink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// hostile is a conversation with the most tags that a row lists, each of the
// longest id and name, and many contacts, which repeat them.
func hostile(contacts int) projector.Change {
	long := strings.Repeat("n", schema.MaxNameBytes)
	rows := fold.Rows{Conversation: fold.Conversation{ConversationKey: foldtest.Conversation(7, 1), Channel: schema.ChannelUnknown,
		ContactCount: uint32(contacts), TagCount: schema.MaxListed, FirstSequence: 1, LastSequence: 1, EventCount: 1,
		Language: &long, Campaign: &schema.Ref{ID: long[:schema.MaxIDBytes], Name: &long}}}
	for i := range schema.MaxListed {
		name := fmt.Sprintf("%0*d", schema.MaxNameBytes, i)
		rows.Conversation.Tags = append(rows.Conversation.Tags, schema.Ref{ID: name[len(name)-schema.MaxIDBytes:], Name: &name})
	}
	for i := range contacts {
		rows.Contacts = append(rows.Contacts, fold.Contact{ID: fmt.Sprintf("c:%d", i), Ordinal: uint32(i + 1), StartedAt: schema.Timestamp(i),
			Status: fold.Ongoing, Channel: schema.ChannelUnknown, Operator: schema.User{ID: 1, Kind: schema.KindBot}})
	}
	return projector.Change{After: rows}
}

func TestContactsHoldTheTextsOfTheirConversationOnce(t *testing.T) {
	s := empty(t, Options{})
	const contacts = 1_000
	change := hostile(contacts)
	s.change(&change, false)
	if err := s.contacts.prepare(); err != nil {
		t.Fatal(err)
	}
	tags := schema.MaxListed * (schema.MaxIDBytes + schema.MaxNameBytes)
	made := 0
	for _, block := range s.contacts.made {
		made += block.Len()
	}
	if most := 2*tags + contacts*8<<10; made > most {
		t.Errorf("%d contacts of a conversation with %d bytes of tags are blocks of %d bytes, more than %d", contacts, tags, made, most)
	}
	s.contacts.clear()
	s.conversations.clear()

	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{change}}); err != nil {
		t.Fatal(err)
	}
	query := s.in("SELECT concat(toString(count()), ' ', toString(min(n))) FROM (SELECT count() AS n FROM $projection.contacts FINAL ARRAY JOIN _tag_names AS tag GROUP BY tag)")
	var got string
	if err := s.conn.QueryRow(t.Context(), query+" SETTINGS max_memory_usage = 134217728").Scan(&got); err != nil || got != "1000 1000" {
		t.Errorf("tags and the contacts of each are %q (%v)", got, err)
	}
}
