package query

import (
	"encoding/json"

	"github.com/parley-analytics/parley/query/meter"
)

// Text is a string of any length in an answer: a String or an ID of the SDL. Each
// time it is written it counts, so that many names for a long text are as many
// texts.
type Text struct {
	value string
	meter *meter.Meter
}

// ImplementsGraphQLType names the scalars.
func (Text) ImplementsGraphQLType(name string) bool { return name == "String" || name == "ID" }

// UnmarshalGraphQL refuses: see [input].
func (*Text) UnmarshalGraphQL(any) error { return output{}.refuse() }

// MarshalJSON writes a JSON string.
func (t Text) MarshalJSON() ([]byte, error) {
	written, err := json.Marshal(t.value)
	t.meter.Write(len(written))
	return written, err
}

// texts makes the texts of one request.
type texts struct{ meter *meter.Meter }

func (t texts) of(value string) Text { return Text{value, t.meter} }

// maybe is null for nil.
func (t texts) maybe(value *string) *Text {
	if value == nil {
		return nil
	}
	return &Text{*value, t.meter}
}
