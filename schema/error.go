package schema

import "errors"

// ErrNotFound is wrapped by stores of records or messages that have none under the requested key or sequence.
var ErrNotFound = errors.New("not found")

// Code classes an error for programs. Codes are stable; messages are for
// people and may change.
type Code string

// The codes of a rejected event.
const (
	// CodeInvalidJSON: the event is not a JSON object.
	CodeInvalidJSON Code = "INVALID_JSON"
	// CodeTooLarge: the event is over MaxEventBytes in its structured form.
	CodeTooLarge Code = "EVENT_TOO_LARGE"
	// CodeMissing: a required attribute or member is absent (or null).
	CodeMissing Code = "MISSING_FIELD"
	// CodeInvalid: an attribute or member breaks its rule.
	CodeInvalid Code = "INVALID_FIELD"
	// CodeUnknownType: the type is not one of Types.
	CodeUnknownType Code = "UNKNOWN_TYPE"
	// CodeForbiddenProject: the project is not the caller's.
	CodeForbiddenProject Code = "FORBIDDEN_PROJECT"
	// CodeUnsupported: a source's payload has no meaning here (webhooks).
	CodeUnsupported Code = "UNSUPPORTED"
	// CodeUnwritable: ClickHouse permanently rejects the rows of this event.
	CodeUnwritable Code = "UNWRITABLE"
	// CodeSetAside: ClickHouse does not have enough memory for the rows of this conversation.
	CodeSetAside Code = "SET_ASIDE"
	// CodeReleased: the rows of this conversation, which was set aside, are to be
	// made again.
	CodeReleased Code = "RELEASED"
	// CodeDiffers: the rows of this conversation differ from its events, and are to be
	// made again.
	CodeDiffers Code = "DIFFERS"
	// CodeBehind: the rows of this conversation are behind its events, which are too many to be folded
	// with those of others: they are folded beside them.
	CodeBehind Code = "BEHIND"
)

// Limits of contract section 2.
const (
	// MaxEventBytes is the largest event in its structured form.
	MaxEventBytes = 256 << 10
	// MaxIDBytes is the longest id, in bytes of UTF-8: of events, messages,
	// visitors, customers, sellers, tags, routing rules and groups, campaigns,
	// conversions and transactions.
	MaxIDBytes = 256
	// MaxSourceBytes is the longest source of an event.
	MaxSourceBytes = 1 << 10
	// MaxNameBytes is the longest name, reason, language, e-mail address or
	// phone number.
	MaxNameBytes = 1 << 10
	// MaxCustomMembers, MaxCustomKeyBytes and MaxCustomValueBytes bound
	// customData.
	MaxCustomMembers    = 200
	MaxCustomKeyBytes   = 256
	MaxCustomValueBytes = 4 << 10
	// MaxListed is the maximum number of tags, and of operators, listed in the row of a
	// conversation; the counts include all.
	MaxListed = 1_000
	// MaxRequestBytes is the largest request body.
	MaxRequestBytes = 16 << 20
	// MaxRequestEvents is the maximum number of events in one request.
	MaxRequestEvents = 10_000
)

// Error describes why an event is rejected. It never contains the offending value:
// values may be personal data.
type Error struct {
	Code  Code
	Field string // path of the attribute or member, e.g. "data.toUser.id"; empty for the event as a whole
	Rule  string // what is required, e.g. "must be an integer from 1 to 9007199254740991"
}

// Error reads "CODE: field: rule".
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message() }

// Message is the part for people: "field: rule".
func (e *Error) Message() string {
	if e.Field == "" {
		return e.Rule
	}
	return e.Field + ": " + e.Rule
}
