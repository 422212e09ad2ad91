package sink

import (
	"slices"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
)

func TestOnlyRowsThatDifferAreWritten(t *testing.T) {
	message := func(id, text string) fold.Message { return fold.Message{ID: id, Text: &text} }
	list := func(pairs ...string) []fold.Message {
		var messages []fold.Message
		for i := 0; i < len(pairs); i += 2 {
			messages = append(messages, message(pairs[i], pairs[i+1]))
		}
		return messages
	}
	before := list("a", "1", "b", "2", "c", "3")
	for name, c := range map[string]struct {
		after []fold.Message
		want  []string
	}{
		"nothing":               {list("a", "1", "b", "2", "c", "3"), nil},
		"one more":              {list("a", "1", "b", "2", "c", "3", "d", "4"), []string{"d"}},
		"one before the others": {list("x", "0", "a", "1", "b", "2", "c", "3"), []string{"x"}},
		"another text":          {list("a", "1", "b", "2.1", "c", "3"), []string{"b"}},
		"another order":         {list("c", "3", "a", "1.1", "b", "2"), []string{"a"}},
	} {
		var written []string
		changed(before, c.after, func(m *fold.Message) string { return m.ID },
			func(m *fold.Message) { written = append(written, m.ID) })
		if !slices.Equal(written, c.want) {
			t.Errorf("%s: written are %v, want %v", name, written, c.want)
		}
	}
}
