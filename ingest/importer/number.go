package importer

import (
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// number is a decimal number of the file in the form of JSON: without leading
// zeros and group separators, and with a decimal point.
func (m *Mapping) number(text string) (string, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, fractional := strings.Cut(digits, m.DecimalSeparator)
	if m.GroupSeparator != "" {
		if m.GroupSeparator == " " {
			whole = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(whole) // as spreadsheets write it
		}
		groups := strings.Split(whole, m.GroupSeparator)
		for n, group := range groups {
			if len(groups) > 1 && (n > 0 && len(group) != 3 || len(group) == 0 || len(group) > 3) {
				return "", false
			}
		}
		whole = strings.Join(groups, "")
	}
	if strings.Trim(whole, "0123456789") != "" {
		return "", false // a point, although the decimal separator is a comma
	}
	if trimmed := strings.TrimLeft(whole, "0"); trimmed != "" || whole == "" {
		whole = trimmed
	} else {
		whole = "0"
	}
	if fractional {
		whole += "." + fraction
	}
	if negative {
		whole = "-" + whole
	}
	_, err := schema.ParseAmount(whole)
	return whole, err == nil
}

// numberHint describes the number format if it is not the default.
func (m *Mapping) numberHint() string {
	hint := " with at most 4 digits after the decimal separator " + m.DecimalSeparator
	if m.GroupSeparator != "" {
		hint += " and groups of three digits"
	}
	return hint + "; see decimalSeparator and groupSeparator of the mapping"
}

// unguarded removes the apostrophe that an export puts before text which a spreadsheet would take for a formula.
func unguarded(text string) string {
	if rest := strings.TrimLeft(text, "'"); len(rest) < len(text) && strings.IndexAny(rest, "=+-@\t\r") == 0 {
		return text[1:]
	}
	return text
}
