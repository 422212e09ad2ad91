package query

import (
	"slices"
	"sync"
)

// Stats counts what the statements of one request did.
type Stats struct {
	mu         sync.Mutex
	statements []Statement
}

// Statement is one statement sent to ClickHouse.
type Statement struct {
	Name      string // of its .sql file, without the ending
	Columns   []string
	RowsRead  uint64 // 0 if the server does not report it
	BytesRead uint64
}

// Add counts a statement. Adding to nil does nothing.
func (s *Stats) Add(statement Statement) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, statement)
}

// Statements lists what was sent so far, in the order of the answers.
func (s *Stats) Statements() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statements)
}

// RowsRead sums the rows that all statements read.
func (s *Stats) RowsRead() uint64 {
	var rows uint64
	for _, statement := range s.Statements() {
		rows += statement.RowsRead
	}
	return rows
}
