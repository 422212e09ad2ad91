package store

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/schema"
)

// parameter is one in the text of a statement: a moment, a list after IN, or another one.
var parameter = regexp.MustCompile(`fromUnixTimestamp64Milli\(\{(\w+):Int64\}, 'UTC'\)|\bIN \{(\w+):Array\(\w+\)\}|\{(\w+):\w+(?:\(\w+\))?\}`)

// literal puts values in the place of the parameters of a text. A value is never looked at again: it can hold anything.
func (s *statement) literal(text string) string {
	values := map[string]any{}
	for _, arg := range s.args {
		named := arg.(driver.NamedValue)
		values[named.Name] = named.Value
	}
	return parameter.ReplaceAllStringFunc(text, func(found string) string {
		names := parameter.FindStringSubmatch(found)
		switch {
		case names[1] != "":
			return momentLiteral(values[names[1]].(int64))
		case names[2] != "":
			return "IN (" + listed(values[names[2]]) + ")"
		}
		return literalOf(values[names[3]])
	})
}

// momentLiteral writes a time of the tables. A literal with a date reaches from 1900 to 2299.
func momentLiteral(ms int64) string {
	at := schema.Timestamp(ms).Time().UTC()
	if at.Year() < 1900 || at.Year() > 2299 {
		return fmt.Sprintf("fromUnixTimestamp64Milli(%d, 'UTC')", ms)
	}
	return "toDateTime64('" + at.Format("2006-01-02 15:04:05.000") + "', 3, 'UTC')"
}

// literalOf writes a value as the parser of ClickHouse reads it.
func literalOf(value any) string {
	switch v := value.(type) {
	case string:
		return quoted(v)
	case uint32, uint64, int64:
		return fmt.Sprint(v)
	}
	return "[" + listed(value) + "]"
}

// listed writes the values of a list.
func listed(value any) string {
	var all []string
	switch list := value.(type) {
	case []string:
		for _, v := range list {
			all = append(all, quoted(v))
		}
	case []int64:
		for _, v := range list {
			all = append(all, fmt.Sprint(v))
		}
	case []uint32:
		for _, v := range list {
			all = append(all, fmt.Sprint(v))
		}
	default:
		panic(fmt.Sprintf("a parameter of type %T", value)) // statements of this package bind no other type
	}
	return strings.Join(all, ", ")
}

// quoted writes a string between quotes. Inside of them only a backslash and a quote mean something; what does not print is
// written in digits.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('\'')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\\' || c == '\'':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&out, `\x%02X`, c)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('\'')
	return out.String()
}

// milliseconds are moments as parameters hold them.
func milliseconds(moments []schema.Timestamp) []int64 {
	list := make([]int64, len(moments))
	for i, at := range moments {
		list[i] = int64(at)
	}
	return list
}
