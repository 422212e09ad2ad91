package export

import (
	"bytes"
	"io"
)

// formulaGuard passes CSV on and puts an apostrophe before each text that a
// spreadsheet would take for a formula: one that begins with =, +, -, @, a tab or
// a carriage return, after any apostrophes. Counting these too makes the way back
// exact: of a text that begins with apostrophes and one of the six, take one
// apostrophe away.
//
// Texts are the cells in quotes: ClickHouse writes every String so, and no
// number, so that -12.50 stays a number. It works byte by byte, whatever pieces
// the CSV comes in.
type formulaGuard struct {
	from   io.Reader
	buffer []byte
	piece  []byte // of the buffer: read and not looked at yet
	err    error  // after it
	at     place
}

// place is the position of the next byte in the CSV.
type place int

const (
	atCell  place = iota // at the beginning of a cell
	inPlain              // in a cell without quotes
	atText               // at the beginning of a text, or after its first apostrophes
	inText
	atQuote // after a quote in a text: its end, or the first of two
)

const guardedBytes = 64 << 10

func newFormulaGuard(from io.Reader) *formulaGuard {
	return &formulaGuard{from: from, buffer: make([]byte, guardedBytes)}
}

// Read implements io.Reader.
func (g *formulaGuard) Read(into []byte) (int, error) {
	if len(g.piece) == 0 && g.err == nil {
		n := 0
		n, g.err = g.from.Read(g.buffer)
		g.piece = g.buffer[:n]
	}
	n, used := 0, 0
	for used < len(g.piece) && n < len(into) {
		if g.at == inText { // most of a file is inside of texts
			end := bytes.IndexByte(g.piece[used:], '"')
			if end < 0 {
				end = len(g.piece) - used
			}
			if end > 0 {
				copied := copy(into[n:], g.piece[used:used+end])
				n, used = n+copied, used+copied
				continue
			}
		}
		c := g.piece[used]
		if g.at == atText && formula(c) {
			into[n] = '\''
			n++
			g.at = inText
			continue
		}
		into[n] = c
		n++
		used++
		g.step(c)
	}
	g.piece = g.piece[used:]
	if len(g.piece) > 0 {
		return n, nil
	}
	return n, g.err
}

func formula(c byte) bool {
	switch c {
	case '=', '+', '-', '@', '\t', '\r':
		return true
	}
	return false
}

// step moves on over a byte.
func (g *formulaGuard) step(c byte) {
	switch g.at {
	case atCell, inPlain:
		switch {
		case c == ',' || c == '\n':
			g.at = atCell
		case c == '"' && g.at == atCell:
			g.at = atText
		default:
			g.at = inPlain
		}
	case atText, inText:
		switch {
		case c == '"':
			g.at = atQuote
		case c != '\'':
			g.at = inText
		}
	case atQuote:
		switch c {
		case '"':
			g.at = inText
		case ',', '\n':
			g.at = atCell
		default:
			g.at = inPlain // the carriage return before a line end
		}
	}
}
