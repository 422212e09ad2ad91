package query

import (
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// This file is for the other schemas over the same tables: their pages and cursors work like those of this one.

// PageArguments are first, last, after and before, as fields take them.
type PageArguments = pageInput

// Paging is a page with the means to write its cursors.
type Paging = paging

// OpenPage reads how a page of a list is requested. The list's cursors are valid only for the same
// field, parent and rights.
func OpenPage(key []byte, m *meter.Meter, field, of string, rights schema.Projects, args PageArguments, descending bool) (*Paging, error) {
	return args.page(texts{m}, seal(key, binding{Field: field, Of: of, Rights: rights}), descending, 0)
}

// CutPage creates a page from the rows found: it drops the extra row, restores the order of the
// list, and determines whether rows come before and after.
func CutPage[R any](p *Paging, rows []R, place func(*R) Place) ([]R, PageInfo) {
	return cut(p, rows, place)
}

// CursorOf writes the cursor of a row of the page.
func CursorOf(p *Paging, at Place) Text { return p.cursor(at) }

// TextOf is a string of any length in an answer; its size counts each time it is written.
func TextOf(m *meter.Meter, value string) Text { return texts{m}.of(value) }
