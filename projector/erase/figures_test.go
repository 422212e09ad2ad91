package erase

import (
	"encoding/json"

	"github.com/parley-analytics/parley/projector/fold"
)

// figures are the rows without what an erasure takes out.
func figures(rows *fold.Rows) string {
	anonymous := *rows
	anonymous.Visitors = nil
	c := &anonymous.Conversation
	c.CustomData = nil
	if c.Visitor != nil {
		c.Visitor = nil
	}
	if c.Comment != nil {
		c.Comment = new("")
	}
	messages := make([]fold.Message, len(rows.Messages))
	for i, m := range rows.Messages {
		m.Text = nil
		if m.AuthorKind == "VISITOR" {
			m.AuthorID = nil
		}
		messages[i] = m
	}
	anonymous.Messages = messages
	text, _ := json.Marshal(&anonymous) // numbers and strings
	return string(text)
}
