package query

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// The scalars below are used in answers. The library also requires them to read input, but input is
// received as [input].

// output refuses to be read; it completes the interface of a scalar.
type output struct{}

func (output) refuse() error { return fmt.Errorf("the scalar is only used in responses") }

// UUID is written as in the tables: 36 characters in lower case.
type UUID string

// ImplementsGraphQLType names the scalar.
func (UUID) ImplementsGraphQLType(name string) bool { return name == "UUID" }

// UnmarshalGraphQL refuses: see [input].
func (*UUID) UnmarshalGraphQL(any) error { return output{}.refuse() }

// ID is an id that is a string.
type ID string

// ImplementsGraphQLType names the scalar.
func (ID) ImplementsGraphQLType(name string) bool { return name == "ID" }

// UnmarshalGraphQL refuses: see [input].
func (*ID) UnmarshalGraphQL(any) error { return output{}.refuse() }

// DateTime is written in UTC with milliseconds.
type DateTime schema.Timestamp

// ImplementsGraphQLType names the scalar.
func (DateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }

// UnmarshalGraphQL refuses: see [input].
func (*DateTime) UnmarshalGraphQL(any) error { return output{}.refuse() }

// MarshalJSON writes 2020-06-01T08:30:00.000Z.
func (t DateTime) MarshalJSON() ([]byte, error) {
	text := make([]byte, 0, 26)
	text = append(text, '"')
	text = schema.Timestamp(t).Time().AppendFormat(text, "2006-01-02T15:04:05.000Z")
	return append(text, '"'), nil
}

// Long is a JSON number.
type Long int64

// ImplementsGraphQLType names the scalar.
func (Long) ImplementsGraphQLType(name string) bool { return name == "Long" }

// UnmarshalGraphQL refuses: see [input].
func (*Long) UnmarshalGraphQL(any) error { return output{}.refuse() }

// LegacyID is an operator's id, a JSON number.
type LegacyID int64

// ImplementsGraphQLType names the scalar.
func (LegacyID) ImplementsGraphQLType(name string) bool { return name == "LegacyId" }

// UnmarshalGraphQL refuses: see [input].
func (*LegacyID) UnmarshalGraphQL(any) error { return output{}.refuse() }

// Decimal is a JSON number with all its digits.
type Decimal struct{ decimal.Decimal }

// ImplementsGraphQLType names the scalar.
func (Decimal) ImplementsGraphQLType(name string) bool { return name == "Decimal" }

// UnmarshalGraphQL refuses: see [input].
func (*Decimal) UnmarshalGraphQL(any) error { return output{}.refuse() }

// MarshalJSON writes the digits, without quotes and without an exponent.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// input is a scalar, or the name of an order, as received. It accepts everything, so that every
// rule is checked in one place and reported in one way: an [Error] that names the field.
type input struct{ value any }

// ImplementsGraphQLType names the scalars that may be given.
func (input) ImplementsGraphQLType(name string) bool {
	switch name {
	case "Int", "String", "ID", "Boolean", "UUID", "DateTime", "LegacyId", "Long", "ConversationOrder", "ConversationCreationOrder", "ContactOrder":
		return true
	}
	return false
}

// Nullable makes the library pass null for an argument with a default, as GraphQL specifies.
func (*input) Nullable() {}

// UnmarshalGraphQL keeps the value.
func (i *input) UnmarshalGraphQL(value any) error {
	i.value = value
	return nil
}

// integer reads a whole number within bounds.
func (i input) integer(field string, least, most int64) (int64, error) {
	wrong := badInput(field, "must be an integer from %d to %d", least, most)
	var n int64
	switch v := i.value.(type) {
	case int32:
		n = int64(v)
	case int64:
		n = v
	case int:
		n = int64(v)
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return 0, wrong
		}
		n = int64(v)
	case json.Number:
		var err error
		if n, err = v.Int64(); err != nil {
			return 0, wrong
		}
	default:
		return 0, wrong
	}
	if n < least || n > most {
		return 0, wrong
	}
	return n, nil
}

// text reads a string; an integer counts as its digits where the scalar is an ID.
func (i input) text(field string) (string, error) {
	switch v := i.value.(type) {
	case string:
		if !strings.ContainsRune(v, 0) && len(v) <= maxText {
			return v, nil
		}
		return "", badInput(field, "must be a string of at most %d bytes without U+0000", maxText)
	case int32, int64, int:
		return fmt.Sprint(v), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return strconv.FormatInt(int64(v), 10), nil
		}
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v.String(), nil
		}
	}
	return "", badInput(field, "must be a string")
}

// maxText is the maximum length of a string in a filter, in bytes.
const maxText = 1 << 10

// flag reads a Boolean.
func (i input) flag(field string) (bool, error) {
	if v, ok := i.value.(bool); ok {
		return v, nil
	}
	return false, badInput(field, "must be true or false")
}

// moment reads RFC 3339 with any offset.
func (i input) moment(field string) (time.Time, error) {
	if v, ok := i.value.(string); ok {
		if t, err := schema.ParseMoment(v); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badInput(field, "must be a moment in RFC 3339, for example 2020-06-01T00:00:00Z")
}

// uuid reads a UUID in the 36-character form and folds its case.
func (i input) uuid(field string) (string, error) {
	wrong := badInput(field, "must be a UUID in the 36-character form")
	v, ok := i.value.(string)
	if !ok || len(v) != 36 {
		return "", wrong
	}
	folded := []byte(v)
	for n, c := range folded {
		switch {
		case n == 8 || n == 13 || n == 18 || n == 23:
			if c != '-' {
				return "", wrong
			}
		case c >= 'A' && c <= 'F':
			folded[n] = c + 'a' - 'A'
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return "", wrong
		}
	}
	return string(folded), nil
}

// Scalars checks values of Parley's input scalars, by their names. The errors name the field and may be shown.
func Scalars() map[string]func(field string, value any) error {
	return map[string]func(string, any) error{
		"UUID":     func(field string, v any) error { _, err := input{v}.uuid(field); return err },
		"DateTime": func(field string, v any) error { _, err := input{v}.moment(field); return err },
		"LegacyId": func(field string, v any) error { _, err := input{v}.integer(field, 1, 1<<53-1); return err },
		"Long":     func(field string, v any) error { _, err := input{v}.integer(field, -maxMillis, maxMillis); return err },
	}
}
