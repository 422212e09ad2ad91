package foldtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/parley-analytics/parley/schema"
)

// Dice decide what is generated: IntN returns a number from 0 to n-1.
// *rand.Rand is one; a property test throws its own, which shrink.
type Dice interface{ IntN(n int) int }

// Seeded returns dice that always roll the same sequence for a seed.
func Seeded(seed uint64) Dice { return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) }

// Conversation names the n-th conversation of a project.
func Conversation(project schema.ProjectID, n int) schema.ConversationKey {
	return schema.ConversationKey{
		Project:      project,
		Conversation: schema.ConversationID(fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(n)*2654435761, n)),
	}
}

// Records puts events into a log, numbered from first on, each taken by the log
// a second after it happened.
func Records(events []schema.Event, first schema.Sequence) []schema.Record {
	records := make([]schema.Record, len(events))
	for i, e := range events {
		records[i] = schema.Record{Sequence: first + schema.Sequence(i), ReceivedAt: e.Time + 1000, Event: e}
	}
	return records
}

// pick returns one of the choices.
func pick[T any](d Dice, choices ...T) T { return choices[d.IntN(len(choices))] }

// chance is true in percent of the throws.
func chance(d Dice, percent int) bool { return d.IntN(100) < percent }

// maybe returns nil or one of the choices.
func maybe[T any](d Dice, choices ...T) *T {
	if i := d.IntN(len(choices) + 1); i > 0 {
		return &choices[i-1]
	}
	return nil
}
