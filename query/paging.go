package query

import (
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// What follows is for the other schemas over the same tables: their pages and
// cursors are made like those of this one.

// PageArguments are first, last, after and before, as fields take them.
type PageArguments = pageInput

// Paging is a page with the means to write its cursors.
type Paging = paging

// OpenPage reads how a page of a list is requested. The list's cursors are good
// for the same field, what it is of, and rights only.
func OpenPage(key []byte, m *meter.Meter, field, of string, rights schema.Projects, args PageArguments, descending bool) (*Paging, error) {
	return args.page(texts{m}, seal(key, binding{Field: field, Of: of, Rights: rights}), descending, 0)
}

// CutPage makes a page of the rows found: it drops the row too many, brings them
// into the order of the list, and says what comes before and after.
func CutPage[R any](p *Paging, rows []R, place func(*R) Place) ([]R, PageInfo) {
	return cut(p, rows, place)
}

// CursorOf writes the cursor of a row of the page.
func CursorOf(p *Paging, at Place) Text { return p.cursor(at) }

// TextOf is a string of any length in an answer; each time it is written counts.
func TextOf(m *meter.Meter, value string) Text { return texts{m}.of(value) }
