package query

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// maxPage is the largest page, and the default.
const maxPage = 100

// pageInput is how a page is requested.
type pageInput struct {
	First, Last   *input
	After, Before *input
}

// Page is a part of an ordered list: at most Limit rows from the start, or from the end if FromEnd,
// of those strictly between After and Before. Descending reverses the order of the whole list.
type Page struct {
	Descending    bool
	FromEnd       bool
	After, Before *Place
	Limit         int
}

// Reversed reports whether rows are found against the ascending order.
func (p Page) Reversed() bool { return p.Descending != p.FromEnd }

// paging is a page with the means to write its cursors.
type paging struct {
	Page
	*sealer
	texts
	position schema.Sequence // in the log, when the first page was read
	size     int
}

// page reads how a page is requested. Its Limit is one more than its size, to
// see whether there is more.
func (p pageInput) page(t texts, s *sealer, descending bool, position schema.Sequence) (*paging, error) {
	var r reader
	first, last := r.integer("first", p.First, 0, maxPage), r.integer("last", p.Last, 0, maxPage)
	if first != nil && last != nil {
		r.note(badInput("last", "must not be given together with first"))
	}
	page := &paging{Page: Page{Descending: descending, FromEnd: last != nil}, sealer: s, texts: t, position: position, size: maxPage}
	switch {
	case first != nil:
		page.size = int(*first)
	case last != nil:
		page.size = int(*last)
	}
	page.Limit = page.size + 1
	// Cursors contain the position of the first page.
	for _, given := range []struct {
		field  string
		cursor *input
		place  **Place
	}{{"before", p.Before, &page.Before}, {"after", p.After, &page.After}} {
		if given.cursor == nil || r.err != nil {
			continue
		}
		text, err := given.cursor.text(given.field)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue // as iAdvize's clients begin
		}
		c, err := s.read(given.field, text)
		if err != nil {
			return nil, err
		}
		*given.place, page.position = &c.Place, min(page.position, c.position)
	}
	return page, r.err
}

// cursor writes the cursor of a row of the page.
func (p *paging) cursor(at Place) Text { return p.of(p.write(cursor{at, p.position})) }

// PageInfo describes a page.
type PageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *Text
}

// cut creates a page from the rows found: it drops the extra row, restores the order of the list
// and determines whether rows come before and after.
func cut[R any](p *paging, rows []R, place func(*R) Place) ([]R, PageInfo) {
	more := len(rows) > p.size
	if more {
		rows = rows[:p.size]
	}
	info := PageInfo{HasNextPage: more || p.Before != nil, HasPreviousPage: p.After != nil}
	if p.FromEnd {
		slices.Reverse(rows)
		info = PageInfo{HasNextPage: p.Before != nil, HasPreviousPage: more || p.After != nil}
	}
	if len(rows) > 0 {
		start, end := p.cursor(place(&rows[0])), p.cursor(place(&rows[len(rows)-1]))
		info.StartCursor, info.EndCursor = &start, &end
	}
	return rows, info
}
