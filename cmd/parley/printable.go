package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// counted writes a number with its noun.
func counted[N int | int64 | uint64](n N, one, more string) string {
	if n == 1 {
		more = one
	}
	return fmt.Sprintf("%d %s", n, more)
}

const hexDigits = "0123456789abcdef"

// printable makes a text from outside safe for a terminal: one line, with control characters, line
// breaks and invisible characters (including those that change the direction of text) escaped as in
// JSON, \u001b. Every text that Parley did not write itself is printed through it.
func printable(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	return escaped(text, hidden)
}

// hidden reports whether a character is invisible or ends a line. Bytes that
// are not UTF-8 become U+FFFD.
func hidden(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }

func escaped(text string, which func(rune) bool) string {
	var out strings.Builder
	for _, c := range text {
		switch {
		case !which(c) || c == utf8.RuneError:
			out.WriteRune(c)
		default:
			units := []rune{c}
			if high, low := utf16.EncodeRune(c); high != unicode.ReplacementChar {
				units = []rune{high, low}
			}
			for _, u := range units {
				out.WriteString(`\u`)
				for shift := 12; shift >= 0; shift -= 4 {
					out.WriteByte(hexDigits[u>>shift&0xf])
				}
			}
		}
	}
	return out.String()
}

// printableJSON writes JSON to a terminal. Inside strings, hidden characters are escaped, which
// changes no value; line breaks between values stay. Each Write must contain whole strings.
type printableJSON struct{ out io.Writer }

// Write implements io.Writer.
func (p printableJSON) Write(text []byte) (int, error) {
	_, err := io.WriteString(p.out, escaped(string(text), func(c rune) bool {
		return c != '\n' && c != '\t' && c != '\r' && hidden(c)
	}))
	return len(text), err
}

// printJSON prints a value on one line.
func printJSON(out io.Writer, value any) error {
	return json.NewEncoder(printableJSON{out}).Encode(value)
}
