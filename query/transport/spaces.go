package transport

import "strings"

const noBreakSpace = "\u00a0"

// plainSpaces reads U+00A0 as a space wherever GraphQL allows a space: not in
// strings, block strings and comments. Lines and columns stay as they are.
func plainSpaces(document string) string {
	if !strings.Contains(document, noBreakSpace) {
		return document
	}
	var b strings.Builder
	b.Grow(len(document))
	for i := 0; i < len(document); {
		n := tokenLength(document[i:])
		if n > 0 {
			b.WriteString(document[i : i+n])
			i += n
			continue
		}
		if strings.HasPrefix(document[i:], noBreakSpace) {
			b.WriteByte(' ')
			i += len(noBreakSpace)
			continue
		}
		b.WriteByte(document[i])
		i++
	}
	return b.String()
}

// tokenLength measures the string, block string or comment that s begins with;
// 0 when it begins with anything else. One without an end reaches to the end of
// the line, a block string to the end of the document.
func tokenLength(s string) int {
	switch {
	case s[0] == '#':
		return lineLength(s, 0)
	case strings.HasPrefix(s, `"""`):
		for i := 3; i < len(s); i++ {
			switch {
			case strings.HasPrefix(s[i:], `\"""`):
				i += 3
			case strings.HasPrefix(s[i:], `"""`):
				return i + 3
			}
		}
		return len(s)
	case s[0] == '"':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			case '\n', '\r':
				return i
			}
		}
		return len(s)
	}
	return 0
}

func lineLength(s string, from int) int {
	if end := strings.IndexAny(s[from:], "\r\n"); end >= 0 {
		return from + end
	}
	return len(s)
}
