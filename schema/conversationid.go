package schema

const ruleUUID = "must be a UUID in the 36-character form"

// ParseConversationID reads a UUID in the 36-character form, of any version
// and in either case, and folds it to lower case. The error is an [*Error]
// without a field.
func ParseConversationID(text string) (ConversationID, error) {
	id, ok := parseConversationID(text)
	if !ok {
		return "", &Error{Code: CodeInvalid, Rule: ruleUUID}
	}
	return id, nil
}

// parseConversationID is ParseConversationID over strings and bytes.
func parseConversationID[T ~string | ~[]byte](text T) (ConversationID, bool) {
	var folded [36]byte
	if len(text) != len(folded) {
		return "", false
	}
	for i := range folded {
		c := text[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return "", false
			}
		default:
			if hexDigit(c) < 0 {
				return "", false
			}
			c |= 0x20 // digits have the bit already
		}
		folded[i] = c
	}
	return ConversationID(folded[:]), true
}
