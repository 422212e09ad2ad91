package settings

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Value is the value of a setting and its source.
type Value struct {
	Key    string // of the settings file
	Text   string
	Source string
}

// Values returns every setting of the command that was parsed, in the order of its help, without
// flags that only start or confirm an action. Credentials in addresses are omitted.
func (p *Parser) Values(context *kong.Context) []Value {
	given := make(map[*kong.Flag]bool)
	for _, path := range context.Path {
		if path.Flag != nil && !path.Resolved {
			given[path.Flag] = true
		}
	}
	var values []Value
	command := context.Selected()
	for _, flag := range context.Flags() {
		if !mayHold(flag) {
			continue
		}
		v := Value{Key: flag.Name, Text: text(flag.Target), Source: "default"}
		if key := FileKey(flag); key != "" {
			v.Key = key
		}
		name, set := variableOf(command, flag)
		found := p.file.find(command, flag)
		switch {
		case given[flag]:
			v.Source = "flag --" + flag.Name
		case set:
			v.Source = "environment " + name
		case found != nil:
			v.Source = fmt.Sprintf("file %s:%d", p.file.name, found.Line)
		}
		values = append(values, v)
	}
	return values
}

// text returns a value as it may be shown.
func text(value reflect.Value) string {
	switch shown := value.Interface().(type) {
	case time.Time:
		if shown.IsZero() {
			return ""
		}
		return shown.Format(time.RFC3339)
	case fmt.Stringer:
		return shown.String()
	}
	switch value.Kind() {
	case reflect.Slice:
		parts := make([]string, value.Len())
		for i := range parts {
			parts[i] = text(value.Index(i))
		}
		return strings.Join(parts, ",")
	case reflect.Map:
		var parts []string
		for _, key := range value.MapKeys() {
			parts = append(parts, text(key)+"="+text(value.MapIndex(key)))
		}
		slices.Sort(parts)
		return strings.Join(parts, ";")
	case reflect.String:
		parts := strings.Split(value.String(), ",")
		for i, part := range parts {
			parts[i] = WithoutCredentials(part)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(value.Interface())
}

// WithoutCredentials returns an address without its credentials. Text that is not an address is returned unchanged.
func WithoutCredentials(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "(not shown: not an address)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
