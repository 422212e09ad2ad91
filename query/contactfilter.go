package query

// ContactFilter selects contacts by values of their own. All members must match,
// values of a list are alternatives; nil does not filter. Lists are ascending,
// each value once.
type ContactFilter struct {
	Statuses       []string `json:",omitempty"`
	Endings        []string `json:",omitempty"`
	EndingInferred *bool    `json:",omitempty"`
	Wait           *Range   `json:",omitempty"`
	FirstResponse  *Range   `json:",omitempty"`
	Duration       *Range   `json:",omitempty"`
	OperatorKinds  []string `json:",omitempty"`
	Ongoing        *bool    `json:",omitempty"`
}

// Range is a range of milliseconds, both ends inclusive; nil is no end. Rows
// without the duration are in none.
type Range struct{ Min, Max *int64 }

// contactFiltersInput is ContactFilters as given.
type contactFiltersInput struct {
	Statuses        *[]string
	Endings         *[]string
	EndingInferred  *input
	WaitMs          *rangeInput
	FirstResponseMs *rangeInput
	DurationMs      *rangeInput
	OperatorKinds   *[]string
	Ongoing         *input
}

type rangeInput struct{ Min, Max *input }

// filter reads filters on contacts; nil, or one without members, filters nothing.
func (f *contactFiltersInput) filter(r *reader) *ContactFilter {
	if f == nil {
		return nil
	}
	filter := ContactFilter{
		Statuses:       r.names("contactFilters.statuses", f.Statuses),
		Endings:        r.names("contactFilters.endings", f.Endings),
		EndingInferred: r.flag("contactFilters.endingInferred", f.EndingInferred),
		Wait:           r.span("contactFilters.waitMs", f.WaitMs),
		FirstResponse:  r.span("contactFilters.firstResponseMs", f.FirstResponseMs),
		Duration:       r.span("contactFilters.durationMs", f.DurationMs),
		OperatorKinds:  r.names("contactFilters.operatorKinds", f.OperatorKinds),
		Ongoing:        r.flag("contactFilters.ongoing", f.Ongoing),
	}
	if filter.empty() {
		return nil
	}
	return &filter
}

func (f *ContactFilter) empty() bool {
	return f.Statuses == nil && f.Endings == nil && f.EndingInferred == nil && f.Wait == nil && f.FirstResponse == nil &&
		f.Duration == nil && f.OperatorKinds == nil && f.Ongoing == nil
}

// span reads a range of milliseconds.
func (r *reader) span(field string, given *rangeInput) *Range {
	if given == nil {
		return nil
	}
	span := &Range{r.integer(field+".min", given.Min, 0, maxMillis), r.integer(field+".max", given.Max, 0, maxMillis)}
	if span.Min != nil && span.Max != nil && *span.Min > *span.Max {
		r.note(badInput(field, "min must not be above max"))
	}
	return span
}

// maxMillis is the longest duration that can be asked for: what a Long holds.
const maxMillis = 1<<53 - 1
