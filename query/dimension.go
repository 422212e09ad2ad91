package query

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"

	"github.com/parley-analytics/parley/schema"
)

// Dimension is a property by which figures can be grouped.
type Dimension string

// The dimensions.
const (
	ByProject         Dimension = "PROJECT"
	ByChannel         Dimension = "CHANNEL"
	ByOperator        Dimension = "OPERATOR"
	ByOperatorKind    Dimension = "OPERATOR_KIND"
	ByRoutingRule     Dimension = "ROUTING_RULE"
	ByRoutingGroup    Dimension = "ROUTING_GROUP"
	ByTag             Dimension = "TAG"
	ByCampaign        Dimension = "CAMPAIGN"
	ByLanguage        Dimension = "LANGUAGE"
	ByCloseReason     Dimension = "CLOSE_REASON"
	ByAutomationLevel Dimension = "AUTOMATION_LEVEL"
	ByStatus          Dimension = "STATUS"
	ByEnding          Dimension = "ENDING"
	BySatisfaction    Dimension = "CUSTOMER_SATISFACTION"
	ByScore           Dimension = "NET_PROMOTER_SCORE"
	ByInitiator       Dimension = "INITIATOR"
	ByCustomData      Dimension = "CUSTOM_DATA"
	ByHourOfDay       Dimension = "HOUR_OF_DAY"
	ByDayOfWeek       Dimension = "DAY_OF_WEEK"
	ByBusinessHours   Dimension = "IN_BUSINESS_HOURS"

	// ByConversation tells conversations apart, by project and id with a slash between them. No caller can ask for it.
	ByConversation Dimension = "CONVERSATION"
)

// Local reports whether the values are read from the local clock or calendar.
func (d Dimension) Local() bool { return d == ByHourOfDay || d == ByDayOfWeek }

// severalOfConversations reports whether a conversation has several values.
func (d Dimension) severalOfConversations() bool {
	switch d {
	case ByOperator, ByOperatorKind, ByRoutingRule, ByRoutingGroup, ByTag:
		return true
	}
	return false
}

// severalOfContacts reports whether a contact has several values.
func (d Dimension) severalOfContacts() bool { return d == ByTag }

// ordinal reports whether the values are ordered as numbers.
func (d Dimension) ordinal() bool { return d == ByHourOfDay || d == ByScore }

// DimensionValue is a value of a dimension; nil is "none".
type DimensionValue struct {
	Name  Dimension
	Key   string `json:",omitempty"` // of custom data
	Value *string
}

// Rows are the rows behind a bucket: those of the interval and filter that have
// the values, and of them perhaps only what one count counts.
type Rows struct {
	Interval Interval
	Filter   *Filter
	By       []DimensionValue `json:",omitempty"`
	Of       Count            `json:",omitempty"`

	// Over is a distribution, by its field of a bucket: rows have its duration,
	// within Span.
	Over string `json:",omitempty"`
	Span *Range `json:",omitempty"`

	// Open asks for contacts that were open at some moment, in place of their start.
	Open *OpenWithin `json:",omitempty"`

	// Next is what the next contact of the conversation has in a dimension.
	Next *DimensionValue `json:",omitempty"`

	// Hours is the interval around which business hours are known, if they matter.
	Hours *Interval `json:",omitempty"`

	// Zone is the time zone of dimensions, Local its offsets in the interval.
	Zone  string     `json:",omitempty"`
	Local *LocalTime `json:"-"`
}

// OpenWithin is an interval in which contacts are open at some moment. One that has not ended is open until Now.
type OpenWithin struct {
	Interval
	Now schema.Timestamp
}

// maxNesting is the maximum number of times that rows can be narrowed from rows.
const maxNesting = 4

// writeRows returns the rows as clients see them: content and MAC. The handle grants no rights: its
// user sees only their own projects.
func (a *API) writeRows(r Rows) string {
	content, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain data
	}
	mac := a.seal(binding{Field: "rows"}).mac(content)
	return base64.RawURLEncoding.EncodeToString(append(content, mac...))
}

// readRows opens a handle.
func (a *API) readRows(field string, given input) (*Rows, error) {
	wrong := badInput(field, "must be a handle from a bucket of metrics")
	text, ok := given.value.(string)
	if !ok {
		return nil, wrong
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < macBytes {
		return nil, wrong
	}
	content, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	if !hmac.Equal(mac, a.seal(binding{Field: "rows"}).mac(content)) {
		return nil, wrong
	}
	rows := new(Rows)
	if err := json.Unmarshal(content, rows); err != nil {
		return nil, wrong
	}
	nesting := 1
	for inner := rows; inner.Filter.Rows != nil; inner = inner.Filter.Rows {
		if nesting++; nesting > maxNesting {
			return nil, badInput(field, "must not be narrowed more than %d times", maxNesting)
		}
	}
	for inner := rows; inner != nil; inner = inner.Filter.Rows {
		if inner.Zone == "" {
			continue
		}
		location, err := zone(inner.Zone)
		if err != nil {
			return nil, err
		}
		inner.Local = localTime(inner.Interval, location)
	}
	return rows, nil
}
